//! Whether the caller accepts our media types.

use super::super::problem::{Problem, ProblemType};
use axum::{
    extract::Request,
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The media types of the API.
const SPOKEN: &[&str] = &["application/json", "application/problem+json"];

/// A layer that answers 406 if `Accept` admits none of our media types, before anything is done.
pub async fn acceptable(request: Request, next: Next) -> Response {
    if admits_json(request.headers()) {
        return next.run(request).await;
    }
    let detail = "`Accept` admits neither `application/json` nor `application/problem+json`";
    Problem::new(ProblemType::NotAcceptable, detail).allowing(SPOKEN).into_response()
}

/// Whether `Accept` admits one of ours. Without the header everything is admitted (RFC 9110). A range with `q=0`
/// excludes what a wider one admits.
fn admits_json(headers: &HeaderMap) -> bool {
    let mut given = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if given.peek().is_none() {
        return true;
    }
    // The most specific range decides.
    let mut best: Option<(u8, bool)> = None;
    for range in given.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let specific = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "*/*" => 0,
            "application/*" => 1,
            "application/json" => 2,
            _ => continue,
        };
        let zero = parts.any(|parameter| {
            parameter.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
        });
        if best.is_none_or(|(so_far, _)| specific > so_far) {
            best = Some((specific, !zero));
        }
    }
    best.is_some_and(|(_, admitted)| admitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_admits_json_or_not() {
        let admits =
            |accept: &str| admits_json(&HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]));
        assert!(admits_json(&HeaderMap::new()));
        assert!(admits("application/json"));
        assert!(admits("text/html, application/*;q=0.1"));
        assert!(admits("*/*"));
        assert!(!admits("text/html"));
        assert!(!admits("application/json;q=0, */*"));
        assert!(!admits("application/xml"));
    }
}

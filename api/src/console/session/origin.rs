//! The page that a write comes from, according to the browser.
//!
//! Current browsers send `Sec-Fetch-Site` (W3C Fetch Metadata) with every request over https or to this machine. Over
//! plain http to another machine they send only `Origin`, and under `Referrer-Policy: no-referrer` that is `null`: it
//! says nothing, and the form's proof alone decides.

use axum::http::{HeaderMap, header};

/// What a request's headers say about the page that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// A page of ours sent it.
    Ours,
    /// The headers don't say.
    Unknown,
    /// Somebody else's page sent it.
    Foreign,
}

impl Trusted {
    /// `ours` is the configured address of this service. If there is none, the `Host` of the request counts.
    pub fn of(headers: &HeaderMap, ours: Option<&str>) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(site) = text("sec-fetch-site") {
            return if site == "same-origin" { Self::Ours } else { Self::Foreign };
        }
        let origin = match text(header::ORIGIN.as_str()) {
            None | Some("null") => return Self::Unknown,
            Some(origin) => origin,
        };
        let same = match ours {
            Some(ours) => origin.eq_ignore_ascii_case(origin_of(ours)),
            None => {
                let host = origin.split_once("://").map(|(_, host)| host);
                text(header::HOST.as_str()).is_some_and(|ours| host == Some(ours))
            }
        };
        if same { Self::Ours } else { Self::Foreign }
    }
}

/// Scheme, host and port of a URL.
fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find('/').map_or(url, |end| &url[..host + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_ours_is_told_from_anothers() {
        type Case = (&'static [(&'static str, &'static str)], Option<&'static str>, Trusted);
        let cases: [Case; 9] = [
            (&[], None, Trusted::Unknown),
            (&[("origin", "null"), ("host", "h:1")], None, Trusted::Unknown),
            (&[("sec-fetch-site", "same-origin"), ("origin", "null")], None, Trusted::Ours),
            (&[("sec-fetch-site", "same-site")], None, Trusted::Foreign),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", "http://h:1"), ("host", "h:1")],
                None,
                Trusted::Foreign,
            ),
            (&[("origin", "http://h:1"), ("host", "h:1")], None, Trusted::Ours),
            (&[("origin", "http://evil"), ("host", "h:1")], None, Trusted::Foreign),
            (&[("origin", "https://ops.example")], Some("https://ops.example/usher"), Trusted::Ours),
            (
                &[("origin", "http://ops.example"), ("host", "ops.example")],
                Some("https://ops.example"),
                Trusted::Foreign,
            ),
        ];
        for (pairs, ours, expected) in cases {
            let headers = pairs
                .iter()
                .map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()));
            assert_eq!(Trusted::of(&headers.collect(), ours), expected, "{pairs:?} {ours:?}");
        }
    }
}

//! `/problems/{slug}`: the pages that the problems' `type` leads to.

use super::{Problem, ProblemType};
use axum::{
    Router,
    extract::Path,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};

/// The routes of the pages and of their list.
pub fn pages<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/problems", get(list)).route("/problems/{slug}", get(one))
}

async fn one(slug: Option<Path<String>>) -> Result<impl IntoResponse, Problem> {
    let kind = slug.and_then(|Path(slug)| ProblemType::of_slug(&slug)).ok_or_else(Problem::not_found)?;
    Ok(page(
        kind.title(),
        &format!(
            "<p><code>{}</code>, status {}</p><p>{}</p><p><a href=\"/problems\">all problems</a></p>",
            kind.slug(),
            kind.status().as_u16(),
            marked(kind.about()),
        ),
    ))
}

async fn list() -> impl IntoResponse {
    let rows: String = ProblemType::ALL
        .iter()
        .map(|kind| {
            format!(
                "<tr><td>{}</td><td><a href=\"/problems/{slug}\"><code>{slug}</code></a></td><td>{}</td></tr>",
                kind.status().as_u16(),
                kind.title(),
                slug = kind.slug(),
            )
        })
        .collect();
    page("Problems", &format!("<table>{rows}</table>"))
}

/// Everything on these pages is a constant of ours, so there is nothing to escape.
fn page(title: &str, content: &str) -> impl IntoResponse + use<> {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1>{content}"
    );
    ([(header::CACHE_CONTROL, "public, max-age=3600")], Html(html))
}

/// Backticks become `<code>`.
fn marked(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() })
        .collect()
}

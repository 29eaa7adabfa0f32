//! The outermost layer: headers that every answer of the console has, and pages for what went wrong.

use super::page;
use crate::console::Console;
use crate::http::{Problem, ProblemType, RequestContext};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use maud::html;
use std::{sync::Arc, time::Duration};

/// Pages load only our own script, style and pictures, send forms only to us, and can't be put into a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The layer itself.
pub async fn layer(State(console): State<Console>, request: Request, next: Next) -> Response {
    let context = request.extensions().get::<RequestContext>().cloned();
    // The permit is returned when the page is written. Streams have permits of their own.
    let mut response = match console.requests.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => Problem::new(ProblemType::Overloaded, "this node is writing as many pages as it can")
            .retry_after(Duration::from_secs(1))
            .into_response(),
    };
    if let Some(problem) = response.extensions().get::<Arc<Problem>>().cloned() {
        write(&problem, context.as_ref(), &mut response);
    }
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // The sign-in page has a referrer policy of its own.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The problem stays in the extensions, because the layer outside logs its cause.
fn write(problem: &Problem, context: Option<&RequestContext>, response: &mut Response) {
    let kind = problem.kind;
    let content = html! {
        section.notice {
            h1 { (kind.title()) }
            p { (problem.detail()) }
            @if let Some(context) = context {
                p.faint { "request " code { (context.request_id) } ", trace " code { (context.trace.trace_id()) } }
            }
            p { a href="/console" { "Go to the first page" } }
        }
    };
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::WWW_AUTHENTICATE);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    *response.body_mut() = Body::from(page::bare(kind.title(), &content).into_string());
}

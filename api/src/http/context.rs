//! The outermost layer: it gives every request an id and a trace, puts them on every answer, and writes problems' bodies.
//!
//! It knows the request but not the case; handlers know the case and leave a [`Problem`] in the answer's
//! extensions. This layer writes the body and logs the error behind it once. If a library answered 400 or above without
//! a problem, it makes one, so that all of them have the same shape.

use super::{
    problem::{PROBLEM_JSON, Problem, ProblemType},
    telemetry,
    trace::TraceParent,
};
use axum::{
    body::Body,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use std::{error::Error, sync::Arc, time::Instant};
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The longest request id that we echo, in characters.
const REQUEST_ID_MAX: usize = 128;

/// The caller and the request, as the logs name them.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The caller's `X-Request-Id`, or one that we made.
    pub request_id: String,
    /// Our span in the caller's trace.
    pub trace: TraceParent,
}

/// The layer itself.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let context = RequestContext {
        request_id: request_id(request.headers()),
        trace: TraceParent::continue_from(
            request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok()),
        ),
    };
    let method = request.method().clone();
    let route =
        request.extensions().get::<MatchedPath>().map_or("(none)".into(), |path| path.as_str().to_owned());
    request.extensions_mut().insert(context.clone());

    let mut response = next.run(request).await;
    let problem = problem_of(&mut response);
    if let Some(problem) = &problem {
        log(problem, &context, &method, &route);
        // The console has made a page of it.
        if !is_of(&response, "text/html") {
            write(problem, &context, &mut response);
        }
    }
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, value(&context.request_id));
    headers.insert(TRACEPARENT, value(&context.trace.to_string()));
    telemetry::request_done(&method, &route, response.status(), began.elapsed());
    tracing::debug!(
        request_id = context.request_id, trace_id = context.trace.trace_id(), %method, route,
        status = response.status().as_u16(), ms = began.elapsed().as_millis() as u64, "request answered"
    );
    response
}

/// The problem that a handler left, or one for a bare status.
fn problem_of(response: &mut Response) -> Option<Arc<Problem>> {
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        return Some(problem);
    }
    let kind = match response.status() {
        status if status.as_u16() < 400 || has_a_body(response) => return None,
        StatusCode::NOT_FOUND => ProblemType::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ProblemType::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemType::PayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemType::UnsupportedMediaType,
        status if status.is_client_error() => ProblemType::MalformedRequest,
        _ => ProblemType::Internal,
    };
    let unexpected = format!("an answer of {} without a problem", response.status());
    Some(Arc::new(match kind {
        ProblemType::Internal => Problem::internal(unexpected),
        kind => Problem::new(kind, kind.title()),
    }))
}

/// Whether the answer has a body of its own, such as `/readyz` or a page of the console.
fn has_a_body(response: &Response) -> bool {
    is_of(response, "application/json") || is_of(response, "text/html")
}

fn is_of(response: &Response, kind: &str) -> bool {
    let sent = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    sent.and_then(|sent| sent.split(';').next()) == Some(kind)
}

fn write(problem: &Problem, context: &RequestContext, response: &mut Response) {
    let body = problem.body(&context.request_id, &context.trace.trace_id());
    let json = serde_json::to_vec(&body).expect("strings and numbers always serialize");
    *response.status_mut() = problem.kind.status();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    *response.body_mut() = Body::from(json);
}

/// Logs an error once, at the border, with its whole chain. Callers' mistakes are not logged.
fn log(problem: &Problem, context: &RequestContext, method: &axum::http::Method, route: &str) {
    if !problem.kind.status().is_server_error() {
        return;
    }
    tracing::error!(
        request_id = context.request_id,
        trace_id = context.trace.trace_id(),
        %method,
        route,
        code = problem.kind.slug(),
        cause = chain(problem.source()),
        "request failed"
    );
}

/// An error and its sources, outermost first.
fn chain(error: Option<&(dyn Error + 'static)>) -> String {
    let causes = std::iter::successors(error, |error: &&(dyn Error + 'static)| (*error).source())
        .map(ToString::to_string);
    causes.collect::<Vec<_>>().join(": ")
}

/// The caller's id if it is short and printable, otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    given
        .filter(|id| {
            (1..=REQUEST_ID_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned)
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ids are printable ASCII")
}

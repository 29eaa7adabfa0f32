//! The names of the API's metrics, and where they are counted. Names are promises to dashboards.

use axum::http::{Method, StatusCode};
use std::time::Duration;

/// Requests answered, by `method`, `route` and `status`.
pub const REQUESTS: &str = "usher_http_requests_total";
/// Seconds from a request's first byte to its answer, by `method` and `route`.
pub const REQUEST_SECONDS: &str = "usher_http_request_seconds";
/// Requests being handled.
pub const REQUESTS_RUNNING: &str = "usher_http_requests_running";
/// Webhooks whose signature didn't hold, by `why`.
pub const WEBHOOKS_REFUSED: &str = "usher_webhooks_refused_total";
/// Webhooks that were told to come again because there were too many, by `gate` (reading, storing).
pub const WEBHOOKS_FLOODED: &str = "usher_webhooks_flooded_total";
/// Handlers that panicked.
pub const PANICS: &str = "usher_http_panics_total";

/// Registers what the metrics mean.
pub fn describe() {
    metrics::describe_counter!(REQUESTS, "requests answered");
    metrics::describe_histogram!(REQUEST_SECONDS, metrics::Unit::Seconds, "time to the answer");
    metrics::describe_gauge!(REQUESTS_RUNNING, "requests being handled");
    metrics::describe_counter!(WEBHOOKS_REFUSED, "webhooks whose signature did not hold");
    metrics::describe_counter!(WEBHOOKS_FLOODED, "webhooks that were told to come again");
    metrics::describe_counter!(PANICS, "handlers that panicked");
}

/// One request has been answered. `route` is the template, never the path: paths are without number.
pub fn request_done(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let (method, route) = (method_name(method), route.to_owned());
    metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.as_u16().to_string())
        .increment(1);
    metrics::histogram!(REQUEST_SECONDS, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// Methods are the caller's words; a label must be one of few.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

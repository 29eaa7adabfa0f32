//! The names of the API's metrics, and the functions that count. The names must not change: dashboards use them.

use axum::http::{Method, StatusCode};
use std::time::Duration;

/// Counts answered requests, by `method`, `route` and `status`.
pub const REQUESTS: &str = "usher_http_requests_total";
/// Seconds from a request's first byte to its answer, by `method` and `route`.
pub const REQUEST_SECONDS: &str = "usher_http_request_seconds";
/// The number of requests being handled.
pub const REQUESTS_RUNNING: &str = "usher_http_requests_running";
/// Counts webhooks whose signature was not valid, by `why`.
pub const WEBHOOKS_REFUSED: &str = "usher_webhooks_refused_total";
/// Counts webhooks that were refused because there were too many, by `gate` (reading, storing).
pub const WEBHOOKS_FLOODED: &str = "usher_webhooks_flooded_total";
/// Counts handlers that panicked.
pub const PANICS: &str = "usher_http_panics_total";

/// Registers the metrics' descriptions.
pub fn describe() {
    metrics::describe_counter!(REQUESTS, "requests answered");
    metrics::describe_histogram!(REQUEST_SECONDS, metrics::Unit::Seconds, "time to the answer");
    metrics::describe_gauge!(REQUESTS_RUNNING, "requests being handled");
    metrics::describe_counter!(WEBHOOKS_REFUSED, "webhooks whose signature was not valid");
    metrics::describe_counter!(WEBHOOKS_FLOODED, "webhooks that were refused because there were too many");
    metrics::describe_counter!(PANICS, "handlers that panicked");
}

/// Counts one answered request. `route` is the template, never the path, because there are too many paths.
pub fn request_done(method: &Method, route: &str, status: StatusCode, took: Duration) {
    let (method, route) = (method_name(method), route.to_owned());
    metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.as_u16().to_string())
        .increment(1);
    metrics::histogram!(REQUEST_SECONDS, "method" => method, "route" => route).record(took.as_secs_f64());
}

/// The label of a method. Callers choose methods freely, but a label must have few values.
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

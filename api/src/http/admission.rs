//! A bound on the requests handled at once: more of them would only queue in the database.

use super::{
    app::App,
    problem::{Problem, ProblemType},
    telemetry,
    wait::WAIT_MAX,
};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::time::Duration;

/// `Retry-After` of a node that is full.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How long a request may take: the longest wait, and time for work. It also ends a body that never ends.
const REQUEST_MAX: Duration = WAIT_MAX.saturating_add(Duration::from_secs(5));

/// A layer: the permit is taken before the work, and a request without one is turned away at once.
pub async fn layer(State(app): State<App>, request: Request, next: Next) -> Response {
    let Ok(_permit) = app.admission.try_acquire() else {
        let detail = "this node is handling as many requests as it can";
        return Problem::new(ProblemType::Overloaded, detail).retry_after(RETRY_AFTER).into_response();
    };
    let _running = Running::begin();
    let within = tokio::time::timeout(REQUEST_MAX, next.run(request)).await;
    within.unwrap_or_else(|_| {
        let detail = "the request took too long; its outcome may be unknown";
        Problem::new(ProblemType::Unavailable, detail).retry_after(RETRY_AFTER).into_response()
    })
}

/// Counts down even if the caller hangs up and the handler is dropped.
struct Running;

impl Running {
    fn begin() -> Self {
        metrics::gauge!(telemetry::REQUESTS_RUNNING).increment(1);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        metrics::gauge!(telemetry::REQUESTS_RUNNING).decrement(1);
    }
}

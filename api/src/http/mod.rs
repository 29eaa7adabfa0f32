//! The HTTP API: what callers may ask, and how every answer looks.
//!
//! The picture: an onion. Outermost, [`context`] gives each request its id and trace and writes the body of every
//! problem. Then panics are caught. Then [`admission`] refuses more requests than the node can handle. Then extractors
//! refuse what is malformed, unknown or not allowed. Only then a handler sees a request that it can trust. Handlers
//! decide nothing about bookings: they start sagas, send them signals and read rows.

mod admission;
mod app;
pub mod auth;
mod conditional;
mod context;
mod extract;
mod idempotency;
mod inbox_door;
mod list;
mod openapi;
mod problem;
mod quota;
mod routes;
mod seats;
mod server;
pub mod store;
pub mod telemetry;
mod trace;
pub mod views;
mod wait;

pub use app::{App, Parts};
pub use context::RequestContext;
pub use inbox_door::InboxDoor;
pub use openapi::document;
pub use problem::{Problem, ProblemBody, ProblemType};
pub use server::serve;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::Method,
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use std::any::Any;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes of the API, of the webhooks and of health checks.
pub fn routes(app: App) -> Router {
    let Described { api, webhooks, health } = described();
    let api = Router::from(api)
        .layer(from_fn(extract::acceptable))
        .layer(from_fn_with_state(app.clone(), admission::layer));
    Router::new()
        .merge(api)
        // Webhooks have bounds of their own: a flood of them must not shut out customers, nor the other way round.
        .merge(Router::from(webhooks))
        .merge(Router::from(health))
        .merge(problem::pages())
        .merge(openapi::pages())
        .with_state(app)
}

/// Adds what every answer needs at every door: an address that doesn't exist is a problem, a body has a
/// bound, a panic is a 500, and each request has an id and a trace.
pub fn answering(routes: Router) -> Router {
    routes
        .fallback(async || Problem::new(ProblemType::NotFound, "there is no such address"))
        .method_not_allowed_fallback(async |method: Method| {
            Problem::new(ProblemType::MethodNotAllowed, format!("`{method}` is not allowed at this address"))
        })
        .layer(DefaultBodyLimit::max(extract::BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(context::layer))
}

/// The routes in the OpenAPI document.
struct Described {
    /// The routes for customers and operators.
    api: OpenApiRouter<App>,
    /// The routes for gateways.
    webhooks: OpenApiRouter<App>,
    /// The routes for health checks and metrics.
    health: OpenApiRouter<App>,
}

fn described() -> Described {
    let api = OpenApiRouter::new()
        .routes(routes!(routes::events::list))
        .routes(routes!(routes::events::read))
        .routes(routes!(routes::seats::read))
        .routes(routes!(routes::reservations::create))
        .routes(routes!(routes::reservations::read, routes::reservations::cancel))
        .routes(routes!(routes::payments::create))
        .routes(routes!(routes::payments::read))
        .routes(routes!(routes::bookings::create))
        .routes(routes!(routes::bookings::read))
        .routes(routes!(routes::bookings::cancel))
        .routes(routes!(routes::operator::sagas))
        .routes(routes!(routes::operator::groups))
        .routes(routes!(routes::operator::read))
        .routes(routes!(routes::operator::act))
        .routes(routes!(routes::operator::audit))
        .routes(routes!(routes::operator::proposals::list))
        .routes(routes!(routes::operator::proposals::read))
        .routes(routes!(routes::operator::proposals::consent))
        .routes(routes!(routes::operator::proposals::decline))
        .routes(routes!(routes::operator::batches::list, routes::operator::batches::start))
        .routes(routes!(routes::operator::batches::read))
        .routes(routes!(routes::operator::batches::items))
        .routes(routes!(routes::operator::batches::pause))
        .routes(routes!(routes::operator::batches::resume))
        .routes(routes!(routes::operator::batches::cancel))
        .routes(routes!(routes::operator::batches::consent));
    let health = OpenApiRouter::new()
        .routes(routes!(routes::health::live))
        .routes(routes!(routes::health::ready))
        .routes(routes!(routes::health::metrics));
    // Webhooks may be larger than customers' requests.
    let webhooks = OpenApiRouter::new()
        .routes(routes!(routes::webhooks::receive))
        .layer(DefaultBodyLimit::max(routes::webhooks::BODY_BYTES_MAX));
    Described { api, webhooks, health }
}

/// The answer of a handler that panicked: an opaque 500. The panic's message goes to the log.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    metrics::counter!(telemetry::PANICS).increment(1);
    let said = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Problem::internal(format!("a handler panicked: {said}")).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_500_that_tells_nothing() {
        let routes =
            Router::new().route("/", axum::routing::get(async || -> &'static str { panic!("hunter2") }));
        let mut router: Router =
            routes.layer(CatchPanicLayer::custom(panicked)).layer(from_fn(context::layer));
        let request = axum::extract::Request::new(axum::body::Body::empty());
        let answer = tower::Service::call(&mut router, request).await.unwrap();
        assert_eq!(answer.status(), 500);
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "internal");
        assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
        assert!(!problem.to_string().contains("hunter2"));
    }
}

//! The HTTP border: Stripe's paths, and what a request has to bring.

mod claim;
mod control;
mod exchange;
mod order;
mod page;
mod params;
mod reads;
mod reply;
mod shared;
mod standard;
mod writes;

pub(super) use reply::Abandoned;

use super::{config::Speak, error_reply::ErrorReply, script::Operation, simulator::Simulator};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, Method, Uri},
    response::Response,
    routing::{get, post},
};
use shared::Shared;
use std::sync::Arc;

/// The largest body that is taken; Stripe's forms have a few hundred bytes.
const BODY_BYTES_MAX: usize = 64 * 1024;

pub(super) fn router(simulator: Arc<Simulator>) -> Router {
    let protocol = match simulator.config.speak {
        Speak::Stripe => stripe(),
        Speak::Standard => standard::router(&simulator),
    };
    Router::new()
        .merge(protocol)
        .nest("/control", control::router())
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(simulator)
}

fn stripe() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/v1/payment_intents", get(reads::list).post(create))
        .route("/v1/payment_intents/search", get(reads::search))
        .route("/v1/payment_intents/{id}", get(reads::intent))
        .route("/v1/payment_intents/{id}/{verb}", post(act))
        .route("/v1/refunds", get(reads::refunds).post(refund))
        .route("/v1/refunds/{id}", get(reads::refund))
        .route("/v1/events", get(reads::events))
        .route("/v1/events/{id}", get(reads::event))
}

async fn create(State(simulator): Shared, headers: HeaderMap, form: Bytes) -> Response {
    exchange::write(simulator, Operation::Create, None, headers, form).await
}

async fn refund(State(simulator): Shared, headers: HeaderMap, form: Bytes) -> Response {
    exchange::write(simulator, Operation::Refund, None, headers, form).await
}

async fn act(
    State(simulator): Shared,
    Path((id, verb)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = match verb.as_str() {
        "confirm" => Operation::Confirm,
        "capture" => Operation::Capture,
        "cancel" => Operation::Cancel,
        _ => return unknown(method, uri).await,
    };
    exchange::write(simulator, operation, Some(id), headers, body).await
}

async fn unknown(method: Method, uri: Uri) -> Response {
    reply::error(&ErrorReply::unknown_path(method.as_str(), uri.path()))
}

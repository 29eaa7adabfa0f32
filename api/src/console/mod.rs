//! The operators' console: pages at `/console` that say why sagas are where they are, and put them right.
//!
//! The picture: paper that stays true. Every page is written by the server and complete without a script; every write is
//! a plain form that leads to another page. A small script swaps in what has changed ([`live`]), copies ids and knows a
//! few keys; nothing needs it. The outermost layer ([`responses`]) makes a page of whatever went wrong and adds the
//! headers that keep foreign scripts out; the next asks for a session ([`session`]); below it, handlers see a visitor.
//!
//! It decides nothing: what is shown comes from [`Operator`](operator::Operator) and `service::operators`, and
//! actions go through the same planner as those of the API and the command line.

mod address;
mod assets;
mod batch_form;
mod live;
mod page;
mod pages;
mod queries;
mod responses;
mod session;
mod sign_in;
mod state;
mod words;

pub use state::{Console, Parts};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get, post},
};
use session::{only_operators_write, signed_in};

/// The routes of `/console`.
pub fn router(console: Console) -> Router {
    let pages = Router::new()
        .route("/console", get(pages::show))
        .route("/console/sagas", get(pages::show))
        .route("/console/sagas/{saga}", get(pages::show))
        .route("/console/sagas/{saga}/raw", get(pages::raw))
        .route("/console/sagas/{saga}/actions/{action}", get(pages::show).post(pages::preview))
        .route("/console/sagas/{saga}/actions/{action}/do", post(pages::perform))
        .route("/console/bulk", get(pages::show).post(pages::preview_bulk))
        .route("/console/bulk/start", post(pages::start))
        .route("/console/batches", get(pages::show))
        .route("/console/batches/{batch}", get(pages::show).post(pages::steer))
        .route("/console/proposals", get(pages::show))
        .route("/console/proposals/{proposal}", get(pages::show).post(pages::decide))
        .route("/console/audit", get(pages::show))
        .route("/console/glossary", get(pages::glossary))
        .layer(from_fn(only_operators_write));
    let inside = pages
        .route("/console/live", get(live::stream))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/{*elsewhere}", any(pages::nowhere))
        .layer(from_fn_with_state(console.clone(), signed_in));
    Router::new()
        .merge(inside)
        .route("/console/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/console/assets/{name}", get(assets::serve))
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(from_fn_with_state(console.clone(), responses::layer))
        .with_state(console)
}

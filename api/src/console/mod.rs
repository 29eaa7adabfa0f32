//! The operators' console: pages at `/console` that say why sagas are where they are, and put them right.
//!
//! The picture: paper that stays true. Every page is written by the server and complete without a script; every write is
//! a plain form that leads to another page. A small script swaps in what has changed ([`live`]), copies ids and knows a
//! few keys; nothing needs it. The outermost layer ([`dress`]) makes a page of whatever went wrong and adds the headers
//! that keep foreign scripts out; the next asks for a session ([`session`]); below it, handlers see a visitor.
//!
//! It decides nothing: what is shown comes from [`Operator`](orchestrator::operator::Operator) and `crate::operators`, and
//! actions go through the same planner as those of the API and the command line.

mod address;
mod assets;
mod dress;
mod live;
mod page;
mod pages;
mod session;
mod sign_in;
mod words;

use crate::{config, http::App};
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get, post},
};
use secrecy::ExposeSecret;
use session::{Jar, SessionKey, only_operators_write, signed_in};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Pages written at once on one node. A page is a dozen statements; more of them would take the customers' connections.
const REQUESTS_MAX: usize = 16;
/// Pages kept live at once on one node: each is written anew every second or two.
const STREAMS_MAX: usize = 64;

/// What the console keeps between requests.
pub struct Console {
    key: SessionKey,
    jar: Jar,
    origin: Option<String>,
    requests: Semaphore,
    streams: Arc<Semaphore>,
}

impl Console {
    /// As the configuration says.
    pub fn of(config: &config::Http) -> Self {
        let key = config.session_key.as_ref().map(|secret| SessionKey::of(secret.expose_secret()));
        let https = |url: &String| url.starts_with("https://");
        Self {
            key: key.unwrap_or_else(SessionKey::drawn),
            jar: Jar { secure: config.public_url.as_ref().is_some_and(https) },
            origin: config.public_url.clone(),
            requests: Semaphore::new(REQUESTS_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
        }
    }
}

/// All of `/console`.
pub fn router(app: &App) -> Router<App> {
    if app.config.http.session_key.is_none() {
        tracing::info!(
            "`http.session_key` is not set: sessions of the console end with this process and hold on this node only"
        );
    }
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
        .layer(from_fn(only_operators_write));
    let inside = pages
        .route("/console/live", get(live::stream))
        .route("/console/sign-out", post(sign_in::sign_out))
        .route("/console/{*elsewhere}", any(pages::nowhere))
        .layer(from_fn_with_state(app.clone(), signed_in));
    Router::new()
        .merge(inside)
        .route("/console/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/console/assets/{name}", get(assets::serve))
        .method_not_allowed_fallback(pages::not_so)
        .layer(from_fn_with_state(app.clone(), dress::layer))
}

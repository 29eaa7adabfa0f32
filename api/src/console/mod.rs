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
mod live;
mod page;
mod pages;
mod queries;
mod responses;
mod session;
mod sign_in;
mod words;

use crate::http::App;
use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get, post},
};
use secrecy::ExposeSecret;
use service::Service;
use session::{Jar, SessionKey, only_operators_write, signed_in};
use std::{ops::Deref, sync::Arc};
use tokio::sync::Semaphore;

/// Pages written at once on one node. A page is a dozen statements; more of them would take the customers' connections.
const REQUESTS_MAX: usize = 16;
/// Pages kept live at once on one node: each is written anew every second or two.
const STREAMS_MAX: usize = 64;

/// The console as its handlers see it. Cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Parts>);

/// Its parts.
pub struct Parts {
    /// Who may come in is asked there.
    http: App,
    service: Service,
    key: SessionKey,
    jar: Jar,
    origin: Option<String>,
    requests: Semaphore,
    streams: Arc<Semaphore>,
}

impl Console {
    /// A console beside this HTTP API, as its configuration says.
    pub fn of(http: App) -> Self {
        let service = http.service.clone();
        let config = &service.config.http;
        let key = config.session_key.as_ref().map(|secret| SessionKey::of(secret.expose_secret()));
        if key.is_none() {
            tracing::info!(
                "`http.session_key` is not set: sessions of the console end with this process and hold on this node only"
            );
        }
        let https = |url: &String| url.starts_with("https://");
        Self(Arc::new(Parts {
            key: key.unwrap_or_else(SessionKey::drawn),
            jar: Jar { secure: config.public_url.as_ref().is_some_and(https) },
            origin: config.public_url.clone(),
            requests: Semaphore::new(REQUESTS_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            http,
            service,
        }))
    }
}

impl Deref for Console {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// All of `/console`.
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

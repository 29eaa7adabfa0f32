//! What every page shares.

use super::session::{Jar, SessionKey};
use crate::http::App;
use secrecy::ExposeSecret;
use service::Service;
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
    pub(super) http: App,
    pub(super) service: Service,
    pub(super) key: SessionKey,
    pub(super) jar: Jar,
    pub(super) origin: Option<String>,
    pub(super) requests: Semaphore,
    pub(super) streams: Arc<Semaphore>,
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

//! What every page shares.

use super::session::{Jar, SessionKey};
use crate::http::App;
use secrecy::ExposeSecret;
use service::Service;
use std::{ops::Deref, sync::Arc};
use tokio::sync::Semaphore;

/// Pages that one node writes at once. A page takes a dozen statements, and more pages would take the customers' connections.
const REQUESTS_MAX: usize = 16;
/// Pages that one node keeps live at once. Each is written again every second or two.
const STREAMS_MAX: usize = 64;

/// The console as its handlers see it. Cheap to clone.
#[derive(Clone)]
pub struct Console(Arc<Parts>);

/// The parts that clones share.
pub struct Parts {
    /// Looks up tokens: who may sign in.
    pub(super) http: App,
    pub(super) service: Service,
    pub(super) key: SessionKey,
    pub(super) jar: Jar,
    pub(super) origin: Option<String>,
    pub(super) requests: Semaphore,
    pub(super) streams: Arc<Semaphore>,
}

impl Console {
    /// A console beside this HTTP API, set up from the same configuration.
    pub fn of(http: App) -> Self {
        let service = http.service.clone();
        let config = &service.config.http;
        let key = config.session_key.as_ref().map(|secret| SessionKey::of(secret.expose_secret()));
        if key.is_none() {
            tracing::info!(
                "`http.session_key` is not set: sessions of the console are valid on this node only, and end with this process"
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

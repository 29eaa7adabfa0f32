//! What every handler shares.

use super::{
    auth::TokenCache,
    inbox_door::InboxDoor,
    quota::Quotas,
    seats::{SeatDirectory, StatusCache},
    telemetry,
};
use service::Service;
use std::{ops::Deref, sync::Arc};
use tokio::sync::Semaphore;

/// The HTTP door as handlers see it. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts that clones share.
pub struct Parts {
    /// The service behind it.
    pub service: Service,
    /// Tokens that were looked up lately.
    pub tokens: TokenCache,
    /// The quotas of customers.
    pub quotas: Quotas,
    /// The seats' statuses that were looked up lately.
    pub seats: StatusCache,
    /// The seats' places and prices.
    pub directory: SeatDirectory,
    /// Permits of requests being handled.
    pub admission: Semaphore,
    /// The bounds on webhooks.
    pub inbox_door: InboxDoor,
}

impl App {
    /// A door to this service, set up from its configuration.
    pub fn of(service: Service) -> Self {
        telemetry::describe();
        let config = &service.config;
        Self(Arc::new(Parts {
            tokens: TokenCache::default(),
            quotas: Quotas::new(&config.http),
            seats: StatusCache::default(),
            directory: SeatDirectory::default(),
            admission: Semaphore::new(config.http.requests_max),
            inbox_door: InboxDoor::new(config.database.connections_max),
            service,
        }))
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

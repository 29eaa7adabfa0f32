//! The clients that calls need. The engine gets them once, and each call takes its own.

use crate::{cashier::Cashier, locks::SeatLocks};
use orchestrator::FromRef;

/// The ports of the booking.
#[derive(Clone, Debug)]
pub struct Services {
    /// The seat locks in Redis.
    pub locks: SeatLocks,
    /// The payment gateway.
    pub cashier: Cashier,
}

impl FromRef<Services> for SeatLocks {
    fn from_ref(services: &Services) -> Self {
        services.locks.clone()
    }
}

impl FromRef<Services> for Cashier {
    fn from_ref(services: &Services) -> Self {
        services.cashier.clone()
    }
}

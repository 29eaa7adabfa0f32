//! The workflows that a node knows.

use orchestrator::{Builder, Settings};
use steps::Services;
use workflows::{Booking, Cancellation, LatePayment, RefundElsewhere, Repayment};

/// Registers the workflows that a node knows, and sets the engine's settings.
pub type Workflows = fn(Builder<Services>, Settings) -> Builder<Services>;

/// The booking's workflows, with the configured settings.
pub fn booking_workflows(builder: Builder<Services>, settings: Settings) -> Builder<Services> {
    builder
        .workflow::<Booking>()
        .workflow::<Cancellation>()
        .workflow::<LatePayment>()
        .workflow::<Repayment>()
        .workflow::<RefundElsewhere>()
        .settings(settings)
}

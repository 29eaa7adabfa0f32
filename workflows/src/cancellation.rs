//! Cancels a booking: decide, refund, free the seats.

use orchestrator::prelude::*;
use serde::{Deserialize, Serialize};
use steps::{BookingId, Decide, Decided, Free, Refund};

/// Cancels a confirmed booking: its money goes back, and then its seats are on sale again.
pub struct Cancellation;

/// The booking to cancel, and who asks for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CancellationRequest {
    /// The booking; its bucket is where all of it happens.
    pub booking: BookingId,
    /// The caller's name, as the border knows it.
    pub by: String,
    /// The caller's reason, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Workflow for Cancellation {
    const NAME: &'static str = "cancellation";
    const VERSION: u32 = 1;
    type Steps = (Decide, Refund, Free);
    type Input = CancellationRequest;
    type Output = BookingId;

    fn route(request: &CancellationRequest) -> Route {
        Route::of(request.booking.bucket())
    }

    async fn run(saga: Saga<Self>, request: CancellationRequest) -> Result<BookingId, Failure> {
        let booking = request.booking;
        // The point of no return. Refused, it leaves no trace; past it the money is owed until the gateway has it.
        let (decided, mut saga) = saga.pivot(Decide { booking }).await?;
        let Decided { reservation, payment, intent, total, counted } = decided;
        saga.step(Refund { payment, reservation, intent, total, counted, by_hand: false }).await;
        saga.step(Free { reservation }).await;
        Ok(booking)
    }
}

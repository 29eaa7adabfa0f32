//! Reserve, lock, pay, confirm: one customer's way to seats.

use orchestrator::{Expired, Failure, Route, Saga, Signal, Workflow};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use steps::{
    BookingId, Capture, Confirm, EventId, Lock, Outcome, Pay, PaymentId, ReservationId, Reserve, SeatList,
    Secured, Settle, Unlock, UserId, gateway::PaymentMethod,
};

/// Sells seats to one customer: all of them, paid for, or none.
pub struct Booking;

/// What a customer asks for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BookingRequest {
    /// The event; its bucket is where all of it happens.
    pub event: EventId,
    /// The reservation's id, in the event's bucket.
    pub reservation: ReservationId,
    /// Who.
    pub user: UserId,
    /// Which seats.
    pub seats: SeatList,
    /// For how long they are held; `None` for what the event says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Duration>,
}

/// The customer wants to pay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PaymentOrder {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The way to pay.
    pub method: PaymentMethod,
    /// Through which gateway, by its name in our tables.
    pub gateway: String,
}

/// What became of a payment that was pending, as read at the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentNews {
    /// The money is held or taken.
    Secured(Secured),
    /// There will be none.
    Failed {
        /// The gateway's reason.
        reason: String,
    },
}

impl Signal for PaymentOrder {
    const NAME: &'static str = "payment-order";
}

impl Signal for PaymentNews {
    const NAME: &'static str = "payment-news";
}

impl PaymentNews {
    /// The money, or why there is none.
    pub fn secured(self) -> Result<Secured, Failure> {
        match self {
            Self::Secured(secured) => Ok(secured),
            Self::Failed { reason } => Err(Failure::because("payment-declined", reason)),
        }
    }
}

impl Workflow for Booking {
    const NAME: &'static str = "booking";
    const VERSION: u32 = 1;
    type Steps = (Reserve, Lock, Pay, Settle, Confirm, Capture, Unlock);
    type Input = BookingRequest;
    type Output = BookingId;

    fn route(request: &BookingRequest) -> Route {
        Route::of(request.event.bucket())
    }

    async fn run(mut saga: Saga<Self>, request: BookingRequest) -> Result<BookingId, Failure> {
        let BookingRequest { reservation, user, seats, hold, .. } = request;
        let reserved = saga.step(Reserve { reservation, user, seats, hold }).await?;
        saga.step(Lock(reserved.hold())).await?;

        let order: PaymentOrder = saga.signal().until(reserved.reserved_until).await?;
        let PaymentOrder { payment, method, gateway } = order;
        let charge = saga.step(Pay { payment, reservation, money: reserved.amount, method, gateway }).await?;
        let (secured, news) = match charge.outcome {
            Outcome::Secured(secured) => (secured, None),
            Outcome::Pending { .. } => {
                match saga.signal::<PaymentNews>().until(reserved.reserved_until).await {
                    Ok(news) => news.secured().map(|secured| (secured.clone(), Some(secured)))?,
                    // Nobody has told us in time: ask the gateway, or cancel there.
                    Err(Expired { .. }) => {
                        (saga.step(Settle { payment, intent: charge.intent }).await?, None)
                    }
                }
            }
        };

        // The point of no return: past it there is nothing to undo, and no `?`.
        let (booked, mut saga) = saga.pivot(Confirm { reservation, payment, news }).await?;
        saga.step(Capture { payment, secured }).await;
        saga.step(Unlock(reserved.hold())).await;
        Ok(booked.booking)
    }
}

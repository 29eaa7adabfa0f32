//! Reserve, lock, pay, confirm: one customer's way to seats.

use orchestrator::prelude::*;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use steps::{
    BookingId, Capture, Confirm, DECLINED, EventId, Lock, Outcome, Pay, PaymentId, Reservation,
    ReservationId, Reserve, SeatList, Secured, Settle, Unlock, UserId,
    gateway::{IntentId, PaymentMethod},
};

/// Sells seats to one customer: all of them, paid for, or none.
pub struct Booking;

/// A customer's order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BookingRequest {
    /// The event; its bucket is where all of it happens.
    pub event: EventId,
    /// The reservation's id, in the event's bucket.
    pub reservation: ReservationId,
    /// The customer.
    pub user: UserId,
    /// The seats, one to ten, all of this event.
    pub seats: SeatList,
    /// How long the seats are held. `None` means as long as the event says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Duration>,
    /// How often the customer may try to pay within the hold. A failed try before the last leaves the seats held.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub payment_attempts_max: u32,
}

fn once() -> u32 {
    1
}

fn is_once(attempts: &u32) -> bool {
    *attempts == once()
}

/// The customer wants to pay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PaymentOrder {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The means of payment, as the gateway knows it.
    pub method: PaymentMethod,
    /// The gateway, by its name in our tables.
    pub gateway: String,
}

/// What became of a payment that was pending, as read at the gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentNews {
    /// The money is held or taken.
    Secured(Secured),
    /// No money will come.
    Failed {
        /// The gateway's reason.
        reason: String,
        /// The payment. `None` in old letters, from when a reservation had only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment: Option<PaymentId>,
    },
    /// The gateway says what can't be true. The saga reads the intent itself.
    Doubtful {
        /// What the gateway says, for a person to read.
        what: String,
        /// The payment. `None` in old letters, from when a reservation had only one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payment: Option<PaymentId>,
    },
}

impl Signal for PaymentOrder {
    const NAME: &'static str = "payment-order";
}

impl Signal for PaymentNews {
    const NAME: &'static str = "payment-news";
}

impl PaymentNews {
    /// Whether it is about this payment, with this intent.
    fn is_about(&self, payment: PaymentId, intent: &IntentId) -> bool {
        match self {
            Self::Secured(secured) => secured.intent == *intent,
            Self::Failed { payment: of, .. } | Self::Doubtful { payment: of, .. } => {
                of.is_none_or(|of| of == payment)
            }
        }
    }
}

/// Pieces of news about other payments that are passed over before the gateway is asked: each is an entry in the
/// journal, and a reservation has at most a handful of payments.
const STRANGE_NEWS_MAX: usize = 20;

/// Money that pays for the seats.
struct Paid {
    payment: PaymentId,
    secured: Secured,
    /// The news that brought it, if the pivot must make sure that it is recorded.
    news: Option<Secured>,
}

/// Why there is no money.
enum Unpaid {
    /// The customer may try again.
    Failed(Rejected),
    /// The time is over.
    Over(Rejected),
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
        let BookingRequest { reservation, user, seats, hold, payment_attempts_max, .. } = request;
        let reserved = saga.step(Reserve { reservation, user, seats, hold }).await?;
        saga.step(Lock(reserved.hold())).await?;

        let mut attempts_left = payment_attempts_max.max(1);
        let Paid { payment, secured, news } = loop {
            let order: PaymentOrder = saga.signal().until(reserved.reserved_until).await?;
            attempts_left -= 1;
            match pay(&mut saga, &reserved, order, attempts_left > 0).await {
                Ok(paid) => break paid,
                Err(Unpaid::Failed(_)) if attempts_left > 0 => {}
                Err(Unpaid::Failed(rejected) | Unpaid::Over(rejected)) => return Err(rejected.into()),
            }
        };

        // The point of no return: past it there is nothing to undo, and no `?`.
        let (booked, mut saga) = saga.pivot(Confirm { reservation, payment, news }).await?;
        saga.step(Capture { payment, secured, booking: Some(booked.booking) }).await;
        saga.step(Unlock(reserved.hold())).await;
        Ok(booked.booking)
    }
}

/// One try to get the seats paid. A try that fails leaves nothing that could be charged later.
async fn pay(
    saga: &mut Saga<Booking>,
    reserved: &Reservation,
    order: PaymentOrder,
    another: bool,
) -> Result<Paid, Unpaid> {
    let PaymentOrder { payment, method, gateway } = order;
    let (reservation, money) = (reserved.reservation, reserved.amount);
    let charge =
        saga.step(Pay { payment, reservation, money, method, gateway }).await.map_err(Unpaid::Failed)?;
    let intent = match charge.outcome {
        Outcome::Secured(secured) => return Ok(Paid { payment, secured, news: None }),
        Outcome::Pending { .. } => charge.intent,
    };
    let unpaid = match news_of(saga, reserved, payment, &intent).await {
        Some(PaymentNews::Secured(secured)) => {
            return Ok(Paid { payment, secured: secured.clone(), news: Some(secured) });
        }
        // Turning back cancels it; nobody pays again.
        Some(PaymentNews::Failed { reason, .. }) if !another => {
            return Err(Unpaid::Failed(Rejected::new(DECLINED, reason)));
        }
        Some(PaymentNews::Failed { .. } | PaymentNews::Doubtful { .. }) => Unpaid::Failed,
        // No news came in time.
        None => Unpaid::Over,
    };
    // Ask the gateway, or cancel the payment there, so that it can never be charged.
    let secured = saga.step(Settle { payment, intent, money: Some(money) }).await.map_err(unpaid)?;
    // Settle may not have been able to write it down; only the pivot can say that it contradicts our own rows.
    Ok(Paid { payment, secured: secured.clone(), news: Some(secured) })
}

/// The news of this payment; of an earlier one that has been given up it may come late.
async fn news_of(
    saga: &mut Saga<Booking>,
    reserved: &Reservation,
    payment: PaymentId,
    intent: &IntentId,
) -> Option<PaymentNews> {
    for _ in 0..STRANGE_NEWS_MAX {
        let news: PaymentNews = saga.signal().until(reserved.reserved_until).await.ok()?;
        if news.is_about(payment, intent) {
            return Some(news);
        }
    }
    None
}

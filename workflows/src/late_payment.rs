//! Money that came too late or twice: it buys the same seats if they are still free, otherwise it goes back.

use orchestrator::prelude::*;
use serde::{Deserialize, Serialize};
use steps::{
    Accept, Accepted, BookingId, Capture, Confirm, Money, PaymentId, Reclaim, ReservationId,
    gateway::IntentId,
};

/// Takes in money that no saga waits for. In every case it ends as a booking or goes back in full.
pub struct LatePayment;

/// Money whose reservation has ended, or was paid before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LateMoney {
    /// The gateway that it came through, by its name in our tables.
    pub gateway: String,
    /// The gateway's id of the money.
    pub intent: IntentId,
    /// The payment that the intent names, as it stood when the money was ordered.
    pub named: PaymentId,
    /// The amount that was ordered.
    pub money: Money,
    /// A new payment's id, in the bucket of the reservation.
    pub payment: PaymentId,
    /// A new reservation's id, in the same bucket.
    pub reservation: ReservationId,
    /// The reservation that the money was meant for.
    pub late_for: ReservationId,
}

impl LateMoney {
    /// The start key: one saga for one intent, however often we hear of it.
    pub fn start_key(&self) -> String {
        Self::start_key_of(&self.gateway, self.intent.as_str())
    }

    /// The start key of the saga that takes in this intent.
    pub fn start_key_of(gateway: &str, intent: &str) -> String {
        format!("{gateway}:{intent}")
    }
}

impl Workflow for LatePayment {
    const NAME: &'static str = "late_payment";
    const VERSION: u32 = 1;
    type Steps = (Accept, Reclaim, Confirm, Capture);
    type Input = LateMoney;
    type Output = BookingId;

    fn route(late: &LateMoney) -> Route {
        Route::of(late.late_for.bucket())
    }

    async fn run(mut saga: Saga<Self>, late: LateMoney) -> Result<BookingId, Failure> {
        let LateMoney { gateway, intent, named, money, payment, reservation, late_for } = late;
        let accept = Accept { gateway, intent, named, money, payment, reservation, late_for };
        let Accepted { secured, whole } = saga.step(accept).await?;
        if !whole {
            return Err(Failure::because("money-returned-in-part", "the rest of it goes back too"));
        }
        saga.step(Reclaim { reservation, late_for, payment }).await?;

        // The point of no return. Before it, everything that goes wrong gives the money back.
        let (booked, mut saga) = saga.pivot(Confirm { reservation, payment, news: None }).await?;
        saga.step(Capture { payment, secured, booking: Some(booked.booking) }).await;
        Ok(booked.booking)
    }
}

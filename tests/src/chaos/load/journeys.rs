//! What customers do, and how it ends for them.

use super::{
    Customer, Wish,
    wishes::{TRY_AGAIN, UNANSWERED},
};
use crate::chaos::{
    pace,
    plan::{EVENTS, Journey, Kind},
};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// How often a customer tries to act at the gateway itself, because the payment may not be there yet.
const GATEWAY_TRIES_MAX: u32 = 20;
/// How long after the end of a hold a late customer pays: the service has noticed the end by then.
const LATE: Duration = Duration::from_secs(1);

impl Customer<'_> {
    /// Does everything that the journey says, and gives how it ended.
    pub async fn travel(&self, journey: &Journey) -> &'static str {
        let reservation = match self.reserve(journey).await {
            Ok(reservation) => reservation,
            Err(how) => return how,
        };
        pace::pass(journey.thinks).await;
        match journey.kind {
            Kind::Paid => self.pay_and_book(reservation, "pm_card_visa").await.1,
            Kind::PaidSlowly => self.pay_and_book(reservation, "pm_processing_settles").await.1,
            Kind::Declined => self.pay_and_book(reservation, "pm_card_chargeDeclined").await.1,
            Kind::FailsSlowly => self.pay_and_book(reservation, "pm_processing_fails").await.1,
            Kind::Abandoned => "gone away",
            Kind::CancelledBefore => self.cancel(reservation).await,
            Kind::CancelledMeanwhile => {
                let cancels = async {
                    pace::pass(journey.thinks / 4).await;
                    self.cancel(reservation).await
                };
                let (_, how) = tokio::join!(self.pay(reservation, "pm_card_visa"), cancels);
                how
            }
            Kind::GivenBack => self.book_and_give_back(reservation).await,
            Kind::Late => self.pay_late(reservation, EVENTS[journey.event].hold).await,
            Kind::Disputed => self.book_and_dispute(reservation).await,
        }
    }

    async fn pay_and_book(&self, reservation: Uuid, method: &str) -> (Option<Uuid>, &'static str) {
        match self.pay(reservation, method).await {
            Some(answer) if answer.status == 202 => self.book(reservation).await,
            Some(answer) if matches!(answer.status, 409 | 410) => (None, "too late to pay"),
            Some(answer) => (None, self.odd("paying", &answer)),
            None => (None, UNANSWERED),
        }
    }

    async fn book_and_give_back(&self, reservation: Uuid) -> &'static str {
        let (Some(booking), how) = self.pay_and_book(reservation, "pm_card_visa").await else {
            return "not booked";
        };
        let path = format!("/bookings/{booking}/cancellation");
        match self.ask(Wish::post(&path, &self.token, json!({"reason": "ill"}))).await {
            Some(answer) if matches!(answer.status, 200 | 202) => {
                // The decision may still be under way; only the booking says that it was taken.
                if answer.body["status"] == "CANCELLED" {
                    self.witness.record(|testimony| testimony.given_back.push(booking));
                    return "given back";
                }
                how
            }
            Some(answer) if answer.status == 409 => "too late to give back",
            Some(answer) => self.odd("giving back", &answer),
            None => UNANSWERED,
        }
    }

    async fn pay_late(&self, reservation: Uuid, hold: Duration) -> &'static str {
        if self.pay(reservation, "pm_card_authenticationRequired").await.is_none() {
            return UNANSWERED;
        }
        pace::pass(hold + LATE).await;
        if self.at_the_gateway(reservation, "approve", json!({}), 1).await {
            return "paid late";
        }
        // In another tab: a second intent under the same payment.
        if self.at_the_gateway(reservation, "again", json!({}), 1).await {
            self.witness.record(|testimony| testimony.paid_again.push(reservation));
            return "paid again";
        }
        "could not pay late"
    }

    async fn book_and_dispute(&self, reservation: Uuid) -> &'static str {
        let (booking, how) = self.pay_and_book(reservation, "pm_card_visa").await;
        if booking.is_none() {
            return how;
        }
        // Only captured money can be disputed, and that comes a moment after the booking.
        if self.at_the_gateway(reservation, "dispute", json!({}), GATEWAY_TRIES_MAX).await {
            pace::pass(TRY_AGAIN).await;
            self.at_the_gateway(reservation, "dispute", json!({"status": "won"}), GATEWAY_TRIES_MAX).await;
        }
        how
    }
}

//! The single things that customers want, and what they are told.

use super::{Customer, Wish, client::Answer};
use crate::chaos::{pace, plan::Journey};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long somebody asks for a booking that is paid for.
const BOOKED_MAX: Duration = Duration::from_secs(40);
/// How long a customer who was told to wait does so before the next request.
pub(super) const TRY_AGAIN: Duration = Duration::from_millis(250);

/// No node answered in time.
pub(super) const UNANSWERED: &str = "unanswered";

impl Customer<'_> {
    pub(super) async fn ask(&self, wish: Wish<'_>) -> Option<Answer> {
        self.client.ask(&wish, self.number).await
    }

    pub(super) async fn reserve(&self, journey: &Journey) -> Result<Uuid, &'static str> {
        let show = &self.world.shows[journey.event];
        let seats: Vec<_> = journey.seats.iter().map(|seat| show.seats[*seat]).collect();
        let wish = json!({"event_id": show.event, "seat_ids": seats});
        let answer = self.ask(Wish::post("/reservations", &self.token, wish)).await.ok_or(UNANSWERED)?;
        match answer.status {
            201 => {
                let reservation = answer.id("reservation_id");
                self.witness.record(|testimony| testimony.reserved.push(reservation));
                Ok(reservation)
            }
            409 => Err("seats taken"),
            _ => Err(self.odd("reserving", &answer)),
        }
    }

    /// Whether the payment is ordered.
    pub(super) async fn pay(&self, reservation: Uuid, method: &str) -> Option<Answer> {
        let wish = json!({"reservation_id": reservation, "method": method});
        self.ask(Wish::post("/payments", &self.token, wish)).await
    }

    pub(super) async fn book(&self, reservation: Uuid) -> (Option<Uuid>, &'static str) {
        let began = Instant::now();
        while began.elapsed() < BOOKED_MAX {
            let wish = Wish::post("/bookings", &self.token, json!({"reservation_id": reservation}));
            let Some(answer) = self.ask(Wish { prefer: Some("wait=4"), ..wish }).await else {
                return (None, UNANSWERED);
            };
            match answer.status {
                200 | 201 => {
                    let booking = answer.id("booking_id");
                    self.witness.record(|testimony| testimony.booked.push((reservation, booking)));
                    return (Some(booking), "booked");
                }
                202 => pace::pass(TRY_AGAIN).await,
                402 => {
                    self.witness.record(|testimony| testimony.declined.push(reservation));
                    return (None, "declined");
                }
                409 | 410 => return (None, "too late to book"),
                _ => return (None, self.odd("booking", &answer)),
            }
        }
        (None, "never decided")
    }

    pub(super) async fn cancel(&self, reservation: Uuid) -> &'static str {
        let path = format!("/reservations/{reservation}");
        match self.ask(Wish::delete(&path, &self.token)).await {
            Some(answer) if answer.status == 204 => {
                self.witness.record(|testimony| testimony.cancelled.push(reservation));
                "cancelled"
            }
            Some(answer) if answer.status == 202 => "cancelled when the call has ended",
            Some(answer) if matches!(answer.status, 409 | 410) => "too late to cancel",
            Some(answer) => self.odd("cancelling", &answer),
            None => UNANSWERED,
        }
    }

    pub(super) async fn at_the_gateway(
        &self,
        reservation: Uuid,
        verb: &str,
        details: Value,
        tries: u32,
    ) -> bool {
        for _ in 0..tries {
            let gateway = &self.world.gateway;
            if let Ok(Some(intent)) = gateway.intent_of(&reservation.to_string()).await
                && gateway.act(&intent.id, verb, &details).await.unwrap_or(false)
            {
                return true;
            }
            pace::pass(TRY_AGAIN).await;
        }
        false
    }

    /// An answer that the document doesn't promise for this.
    pub(super) fn odd(&self, doing: &str, answer: &Answer) -> &'static str {
        self.witness
            .violation("odd_answer", format!("{doing} was answered {} {}", answer.status, answer.body));
        "odd"
    }
}

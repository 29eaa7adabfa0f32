//! Confirm: the pivot. It sells the seats if everything is as it must be, whatever the time is.

use crate::{
    BookingId, PaymentId, ReservationId,
    announce::{BookingConfirmed, announce},
    cashier::Secured,
    store::{
        LOCKED_WAIT,
        bookings::{self, ConfirmOutcome, ConfirmRefusal},
        payments::{self, Applied, Contradiction},
        statement_error,
    },
};
use orchestrator::{DbError, Item, Rejected, Step, StepError, Tx};
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Books the seats of a reservation that is PENDING and still owns them, if its money is secured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Confirm {
    /// The reservation to confirm.
    pub reservation: ReservationId,
    /// The payment that pays for it.
    pub payment: PaymentId,
    /// Money that news brought and that no step has recorded yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub news: Option<Secured>,
}

/// A booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// The booking's id, in the reservation's bucket.
    pub booking: BookingId,
    /// The code that the customer shows at the door.
    pub code: String,
}

impl Step for Confirm {
    const NAME: &'static str = "confirm";
    type Output = Booked;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<Booked, StepError> {
        let alone = Item { step: self, saga: tx.saga(), position: tx.position() };
        let mut answers = Self::run_all(&[alone], tx).await?;
        answers.pop().unwrap_or_else(|| Err(StepError::unclear("a set of one has one answer")))
    }

    async fn run_all(
        batch: &[Item<'_, Self>],
        tx: &mut Tx,
    ) -> Result<Vec<Result<Booked, StepError>>, DbError> {
        let now = tx.now();
        let news: Vec<_> = batch
            .iter()
            .filter_map(|item| Some((item.step.payment, item.step.news.as_ref()?.news())))
            .collect();
        let applied = payments::apply_all(tx, &news, now).await.map_err(statement_error)?;
        let lies: HashMap<PaymentId, Contradiction> = news
            .iter()
            .zip(applied)
            .filter_map(|((payment, _), applied)| match applied {
                Applied::Contradicts(contradiction) => Some((*payment, contradiction)),
                Applied::Changed { .. } | Applied::Nothing { .. } | Applied::Unknown => None,
            })
            .collect();
        let booked: Vec<Booked> = batch
            .iter()
            .map(|item| Booked {
                booking: BookingId::new_in(item.step.reservation.bucket()),
                code: door_code(),
            })
            .collect();
        let confirms: Vec<bookings::Confirm> = batch
            .iter()
            .zip(&booked)
            .filter(|(item, _)| !lies.contains_key(&item.step.payment))
            .map(|(item, booked)| bookings::Confirm {
                reservation: item.step.reservation,
                payment: item.step.payment,
                booking: booked.booking,
                code: booked.code.clone(),
            })
            .collect();
        let mut outcomes =
            bookings::confirm_all(tx, &confirms, now).await.map_err(statement_error)?.into_iter();
        let mut answer = |(item, booked): (&Item<'_, Self>, Booked)| {
            if let Some(lie) = lies.get(&item.step.payment) {
                return Err(StepError::Contradiction(format!("payment {}: {lie}", item.step.payment)));
            }
            match outcomes.next() {
                Some(ConfirmOutcome::Confirmed) => Ok(booked),
                Some(ConfirmOutcome::Refused(refusal)) => Err(rejected(&refusal).into()),
                Some(ConfirmOutcome::Busy) => Err(StepError::Later(LOCKED_WAIT)),
                None => Err(StepError::unclear("each reservation has one answer")),
            }
        };
        let answers: Vec<_> = batch.iter().zip(booked).map(&mut answer).collect();
        for (item, booked) in
            batch.iter().zip(&answers).filter_map(|(item, answer)| Some((item, answer.as_ref().ok()?)))
        {
            let message = BookingConfirmed {
                booking_id: booked.booking,
                reservation_id: item.step.reservation,
                payment_id: item.step.payment,
            };
            announce(tx, item.saga, &message)?;
        }
        Ok(answers)
    }
}

fn rejected(refusal: &ConfirmRefusal) -> Rejected {
    let (code, detail) = match refusal {
        ConfirmRefusal::Unknown | ConfirmRefusal::NotPending { .. } | ConfirmRefusal::SeatsLost { .. } => {
            ("seat-lost", "the seats are no longer the reservation's")
        }
        ConfirmRefusal::NotPaid { .. } => ("payment-required", "the money is not secured"),
        ConfirmRefusal::AmountDiffers { .. } => ("amount-mismatch", "another amount was paid than is due"),
    };
    Rejected::new(code, detail).with(serde_json::to_value(refusal).unwrap_or_default())
}

/// Twelve characters that are hard to confuse (Crockford's base 32): 60 random bits.
fn door_code() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let mut random = rand::rng();
    (0..12).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

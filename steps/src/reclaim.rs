//! Reclaim: takes exactly the same seats once more, if nobody else has them.

use crate::{
    PaymentId, ReservationId, SeatList,
    reserve::Reservation,
    stakes,
    status::ReservationStatus,
    store::{
        LOCKED_WAIT,
        reservations::{self, End, EndOutcome},
        seats::{self, Take, TakeOutcome},
        statement_error,
    },
};
use orchestrator::{Rejected, Stake, Step, StepError, Tx};
use serde::{Deserialize, Serialize};

/// Makes a new reservation for the seats of one that has ended, which stays as it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reclaim {
    /// The new reservation's id.
    pub reservation: ReservationId,
    /// The reservation whose money came too late.
    pub late_for: ReservationId,
    /// The payment that pays for it.
    pub payment: PaymentId,
}

impl Step for Reclaim {
    const NAME: &'static str = "reclaim";
    type Output = Reservation;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<Reservation, StepError> {
        let now = tx.now();
        let lost = || Rejected::new("seats-gone", "somebody else has the seats");
        let ended = reservations::find(tx, self.late_for).await.map_err(statement_error)?;
        let ended = ended.ok_or_else(lost)?;
        let seats = SeatList::try_from(ended.seats).map_err(|_| lost())?;
        let take = Take {
            reservation: self.reservation,
            saga: tx.saga(),
            user: ended.user,
            seats,
            hold: None,
            revives: Some(self.late_for),
        };
        let outcome = seats::take_all(tx, &[take], now).await.map_err(statement_error)?.pop();
        match outcome {
            Some(TakeOutcome::Taken(taken)) => {
                // From now on nobody takes the seats over: they are paid for.
                reservations::note_payment(tx, self.reservation, self.payment)
                    .await
                    .map_err(statement_error)?;
                Ok(Reservation {
                    reservation: self.reservation,
                    user: ended.user,
                    event: taken.event,
                    seats: taken.seats,
                    amount: taken.amount,
                    reserved_until: taken.reserved_until,
                })
            }
            Some(TakeOutcome::Refused(refusal)) => {
                Err(lost().with(serde_json::to_value(refusal).unwrap_or_default()).into())
            }
            Some(TakeOutcome::Busy) => Err(StepError::Later(LOCKED_WAIT)),
            None => Err(StepError::unclear("a set of one has one answer")),
        }
    }

    fn stakes(&self, made: Option<&Reservation>) -> Vec<Stake> {
        made.map_or_else(Vec::new, |made| stakes::seats(made.seats.len()))
    }

    /// Ends the reservation and puts its seats back on sale.
    async fn compensate(&self, tx: &mut Tx, made: Reservation) -> Result<(), StepError> {
        let end = End { reservation: made.reservation, status: ReservationStatus::Expired };
        let now = tx.now();
        match reservations::end_all(tx, &[end], now).await.map_err(statement_error)?.pop() {
            Some(EndOutcome::Busy) => Err(StepError::Later(LOCKED_WAIT)),
            Some(EndOutcome::Ended | EndOutcome::Already(_) | EndOutcome::Unknown) | None => Ok(()),
        }
    }
}

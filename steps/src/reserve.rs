//! Reserve: takes seats off sale. It is a `Tx` step: it commits together with its journal entry.

use crate::{
    EventId, Money, ReservationId, SeatList, UserId,
    announce::{ReservationCancelled, ReservationExpired, announce},
    locks::Hold,
    stakes,
    status::ReservationStatus,
    store::{
        LOCKED_WAIT,
        reservations::{self, End, EndOutcome, ExtendOutcome},
        seats::{self, Held, Refusal, Take, TakeOutcome},
        statement_error,
    },
};
use chrono::{DateTime, Utc};
use orchestrator::{Cause, DbError, Item, Rejected, SagaId, Stake, Step, StepError, Tx, Undoing};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Takes the seats off sale, all or none, until `reserved_until`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reserve {
    /// The reservation's id, in the seats' bucket.
    pub reservation: ReservationId,
    /// The user who gets the seats.
    pub user: UserId,
    /// The seats to take.
    pub seats: SeatList,
    /// How long the seats are held; `None` for as long as the event says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Duration>,
}

/// Seats that are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The reservation's id.
    pub reservation: ReservationId,
    /// The user who gets the seats.
    pub user: UserId,
    /// The event.
    pub event: EventId,
    /// The seats, each with the number under which it is held.
    pub seats: Vec<Held>,
    /// The price of all seats.
    pub amount: Money,
    /// The end of the hold, by the database's clock.
    pub reserved_until: DateTime<Utc>,
}

impl Reservation {
    /// The hold for the seat locks.
    pub fn hold(&self) -> Hold {
        Hold {
            reservation: self.reservation,
            user: self.user,
            event: self.event,
            seats: self.seats.clone(),
            reserved_until: self.reserved_until,
        }
    }
}

impl Step for Reserve {
    const NAME: &'static str = "reserve";
    type Output = Reservation;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<Reservation, StepError> {
        let alone = Item { step: self, saga: tx.saga(), position: tx.position() };
        let mut answers = Self::run_all(&[alone], tx).await?;
        answers.pop().unwrap_or_else(|| Err(StepError::unclear("a set of one has one answer")))
    }

    /// Handles a batch of buyers in two statements. Two buyers who want one seat meet here, and not on a row lock.
    async fn run_all(
        batch: &[Item<'_, Self>],
        tx: &mut Tx,
    ) -> Result<Vec<Result<Reservation, StepError>>, DbError> {
        let takes: Vec<Take> = batch
            .iter()
            .map(|item| Take {
                reservation: item.step.reservation,
                saga: item.saga,
                user: item.step.user,
                seats: item.step.seats.clone(),
                hold: item.step.hold,
                revives: None,
            })
            .collect();
        let now = tx.now();
        let outcomes = seats::take_all(tx, &takes, now).await.map_err(statement_error)?;
        let answer = |(item, outcome): (&Item<'_, Self>, TakeOutcome)| match outcome {
            TakeOutcome::Taken(taken) => Ok(Reservation {
                reservation: item.step.reservation,
                user: item.step.user,
                event: taken.event,
                seats: taken.seats,
                amount: taken.amount,
                reserved_until: taken.reserved_until,
            }),
            TakeOutcome::Refused(refusal) => Err(rejected(&refusal).into()),
            TakeOutcome::Busy => Err(StepError::Later(LOCKED_WAIT)),
        };
        Ok(batch.iter().zip(outcomes).map(answer).collect())
    }

    /// Frees the seats. The reservation becomes CANCELLED if a person asked for it, and EXPIRED otherwise.
    async fn compensate_all(
        batch: Vec<Undoing<'_, Self>>,
        tx: &mut Tx,
    ) -> Result<Vec<Result<(), StepError>>, DbError> {
        let ends: Vec<End> = batch
            .iter()
            .map(|undoing| {
                let cancelled = matches!(undoing.cause, Cause::Cancelled { .. });
                let status =
                    if cancelled { ReservationStatus::Cancelled } else { ReservationStatus::Expired };
                End { reservation: undoing.made.reservation, status }
            })
            .collect();
        let now = tx.now();
        let outcomes = reservations::end_all(tx, &ends, now).await.map_err(statement_error)?;
        let mut answers = Vec::with_capacity(batch.len());
        for (undoing, (end, outcome)) in batch.iter().zip(ends.iter().zip(outcomes)) {
            // If it ended before (because another claim took it over), the result is the same, and nobody was told yet.
            let status = match outcome {
                EndOutcome::Ended => Some(end.status),
                EndOutcome::Already(status) => Some(status),
                EndOutcome::Unknown => None,
                EndOutcome::Busy => {
                    answers.push(Err(StepError::Later(LOCKED_WAIT)));
                    continue;
                }
            };
            if let Some(status) = status {
                tell_ended(tx, undoing.saga, &undoing.made, status)?;
            }
            answers.push(Ok(()));
        }
        Ok(answers)
    }

    fn stakes(&self, made: Option<&Reservation>) -> Vec<Stake> {
        stakes::seats(made.map_or(self.seats.len(), |made| made.seats.len()))
    }

    /// The hold ends later: the wait for the customer moves, and so do reservation and seats. A hold that lapsed and was
    /// taken over meanwhile is somebody else's.
    async fn extend(&self, tx: &mut Tx, made: &Reservation, until: DateTime<Utc>) -> Result<(), StepError> {
        let extended = reservations::extend(tx, made.reservation, made.seats.len(), until).await;
        match extended.map_err(statement_error)? {
            ExtendOutcome::Extended => Ok(()),
            ExtendOutcome::NotPending => {
                Err(StepError::rejected("not-pending", "the reservation no longer holds its seats"))
            }
        }
    }
}

/// Tells the outside that a reservation has ended without a booking.
fn tell_ended(
    tx: &mut Tx,
    saga: SagaId,
    made: &Reservation,
    status: ReservationStatus,
) -> Result<(), DbError> {
    let (reservation_id, event_id) = (made.reservation, made.event);
    match status {
        ReservationStatus::Expired => announce(tx, saga, &ReservationExpired { reservation_id, event_id }),
        ReservationStatus::Cancelled => {
            announce(tx, saga, &ReservationCancelled { reservation_id, event_id })
        }
        ReservationStatus::Pending | ReservationStatus::Confirmed => Ok(()),
    }
}

/// The refusal that callers of the API will see. `data` holds all of it.
fn rejected(refusal: &Refusal) -> Rejected {
    let (code, detail) = match refusal {
        Refusal::SeatsLost { seats } => {
            ("seat-unavailable", format!("{} of the seats can't be had", seats.len()))
        }
        Refusal::SaleClosed => ("sale-closed", "the event is not on sale".to_owned()),
        Refusal::TooMany { seats_max } => ("too-many-seats", format!("the event allows {seats_max} seats")),
    };
    Rejected::new(code, detail).with(serde_json::to_value(refusal).unwrap_or_default())
}

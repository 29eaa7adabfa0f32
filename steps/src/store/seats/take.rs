//! Taking seats off sale, for a batch of reservations in three statements, more where holds have lapsed or others are at it.

use super::decide::{Loss, Refusal, Verdict, decide};
use super::look::{SeatRow, look};
use crate::money::Money;
use crate::seat_list::SeatList;
use crate::status::ReservationStatus;
use crate::store::reservations::{self, End};
use crate::store::{StoreError, expect_rows, keys};
use crate::{EventId, ReservationId, SeatId, UserId};
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::HashMap;
use std::time::Duration;
use uuid::Uuid;

/// A reservation to be made.
#[derive(Clone, Debug)]
pub struct Take {
    /// Its id, in the seats' bucket.
    pub reservation: ReservationId,
    /// The saga that asks for it.
    pub saga: SagaId,
    /// The user who gets the seats.
    pub user: UserId,
    /// The seats, all or none.
    pub seats: SeatList,
    /// How long they are held; `None` for as long as the event says.
    pub hold: Option<Duration>,
    /// The ended reservation whose late money pays for this one.
    pub revives: Option<ReservationId>,
}

/// The result of a [`Take`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeOutcome {
    /// The seats are its own.
    Taken(Taken),
    /// The seats are not its own, and nothing was written.
    Refused(Refusal),
    /// One of them is locked by another transaction, which may sell it or let it go: ask again in a moment. Nothing was
    /// written.
    Busy,
}

/// Seats taken off sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The event.
    pub event: EventId,
    /// The seats, each with the number under which it is held.
    pub seats: Vec<Held>,
    /// The price of all seats.
    pub amount: Money,
    /// The end of the hold, by the database's clock.
    pub reserved_until: DateTime<Utc>,
}

/// A seat and the number under which it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The seat's id.
    pub seat: SeatId,
    /// How often it has been taken, including this time: the fence.
    pub hold: i64,
}

/// Takes the seats of each reservation, all or none, the earlier in the batch before the later.
///
/// Seats held by a reservation whose time is up and that ordered no payment are taken over: that reservation
/// ends as EXPIRED and its other seats go back on sale.
///
/// Must run in a transaction. It waits for no lock of anybody's, and pauses for at most 200 ms where seats are locked.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn take_all(
    connection: &mut PgConnection,
    takes: &[Take],
    now: DateTime<Utc>,
) -> Result<Vec<TakeOutcome>, StoreError> {
    let look = look(connection, takes, now).await?;
    let verdict = decide(takes, &look, now);
    let ends: Vec<End> = verdict
        .to_expire
        .iter()
        .map(|owner| End { reservation: *owner, status: ReservationStatus::Expired })
        .collect();
    reservations::end_all(connection, &ends, now).await?;
    let outcomes = outcomes(takes, &look.seats, verdict);
    write(connection, takes, &outcomes, now).await?;
    Ok(outcomes)
}

fn outcomes(takes: &[Take], seats: &HashMap<SeatId, SeatRow>, verdict: Verdict) -> Vec<TakeOutcome> {
    let outcome = |(take, answer): (&Take, Result<DateTime<Utc>, Loss>)| match answer {
        Err(Loss::Refused(refusal)) => TakeOutcome::Refused(refusal),
        Err(Loss::Busy) => TakeOutcome::Busy,
        Ok(reserved_until) => {
            let rows = || take.seats.iter().map(|seat| (*seat, &seats[seat]));
            let first = &seats[&take.seats[0]];
            TakeOutcome::Taken(Taken {
                event: first.event,
                seats: rows().map(|(seat, row)| Held { seat, hold: row.hold + 1 }).collect(),
                amount: Money::new(rows().map(|(_, row)| row.price_minor).sum(), first.currency),
                reserved_until,
            })
        }
    };
    takes.iter().zip(verdict.takes).map(outcome).collect()
}

async fn write(
    connection: &mut PgConnection,
    takes: &[Take],
    outcomes: &[TakeOutcome],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut won: Vec<(&Take, &Taken)> = takes
        .iter()
        .zip(outcomes)
        .filter_map(|(take, outcome)| match outcome {
            TakeOutcome::Taken(taken) => Some((take, taken)),
            TakeOutcome::Refused(_) | TakeOutcome::Busy => None,
        })
        .collect();
    if won.is_empty() {
        return Ok(());
    }
    won.sort_unstable_by_key(|(take, _)| take.reservation);
    let mut held: Vec<(Held, Uuid, DateTime<Utc>)> = won
        .iter()
        .flat_map(|(take, taken)| {
            taken.seats.iter().map(|held| (*held, take.reservation.uuid(), taken.reserved_until))
        })
        .collect();
    held.sort_unstable_by_key(|(held, ..)| held.seat);

    let (seat_ids, seat_buckets) = keys(held.iter().map(|(held, ..)| held.seat.uuid()));
    let (ids, buckets) = keys(won.iter().map(|(take, _)| take.reservation.uuid()));
    let column = |value: fn(&Take, &Taken) -> Uuid| {
        won.iter().map(|(take, taken)| value(take, taken)).collect::<Vec<_>>()
    };
    let taken = sqlx::query_file_scalar!(
        "src/store/sql/take_seats.sql",
        &seat_ids,
        &seat_buckets,
        &held.iter().map(|(held, ..)| held.hold).collect::<Vec<_>>(),
        &held.iter().map(|(_, reservation, _)| *reservation).collect::<Vec<_>>(),
        &held.iter().map(|(.., until)| *until).collect::<Vec<_>>(),
        &ids,
        &buckets,
        &column(|_, taken| taken.event.uuid()),
        &column(|take, _| take.user.uuid()),
        &column(|take, _| take.saga.uuid()),
        &won.iter().map(|(_, taken)| taken.amount.amount).collect::<Vec<_>>(),
        &won.iter().map(|(_, taken)| taken.amount.currency.as_str().to_owned()).collect::<Vec<_>>(),
        &won.iter().map(|(_, taken)| taken.seats.len() as i16).collect::<Vec<_>>(),
        &won.iter().map(|(_, taken)| taken.reserved_until).collect::<Vec<_>>(),
        &won.iter().map(|(take, _)| take.revives.map(ReservationId::uuid)).collect::<Vec<_>>()
            as &[Option<Uuid>],
        now,
    )
    .fetch_one(connection)
    .await?;
    expect_rows("the seats of a reservation", held.len(), taken)
}

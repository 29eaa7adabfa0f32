//! Who of a batch gets which seats. Pure: the rows are locked, so what is decided here stays true.
//!
//! In the order of the batch each reservation gets all its seats or none; what a loser wanted is free for the
//! next. A lapsed hold counts as free, and the winner's verdict names the reservation that must end for it.

use super::lock::LockedSeat;
use super::take::Take;
use crate::status::{SaleStatus, SeatStatus};
use crate::{ReservationId, SeatId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Why a reservation got nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// These of its seats are not to be had.
    SeatsLost {
        /// At least one.
        seats: Vec<Lost>,
    },
    /// The event is not on sale.
    SaleClosed,
    /// The event allows fewer seats a reservation.
    TooMany {
        /// So many.
        seats_max: usize,
    },
}

/// A seat that is not to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Which.
    pub seat: SeatId,
    /// Why.
    pub reason: LostReason,
    /// Who holds it, where the reason is [`LostReason::Held`]. For the seat locks, not for customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// Why a seat is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// Another reservation has it for now.
    Held,
    /// It is booked.
    Sold,
    /// The house keeps it off sale.
    Blocked,
    /// There is no such seat at this event.
    Unknown,
}

/// Whose a held seat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The reservation.
    pub reservation: ReservationId,
    /// The seat's number when that reservation took it.
    pub hold: i64,
    /// Until when, by the database's clock.
    pub reserved_until: DateTime<Utc>,
}

/// The verdict on a batch.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// One a take, in order: when its hold ends, or why it gets none.
    pub takes: Vec<Result<DateTime<Utc>, Refusal>>,
    /// Lapsed reservations that must end for the winners' sake.
    pub to_expire: BTreeSet<ReservationId>,
}

/// Decides a batch. `lapsed` are owners whose time is up, who ordered no payment and whom we have locked.
pub(super) fn decide(
    takes: &[Take],
    seats: &HashMap<SeatId, LockedSeat>,
    lapsed: &HashSet<ReservationId>,
    now: DateTime<Utc>,
) -> Verdict {
    let mut verdict = Verdict::default();
    let mut won: HashMap<SeatId, Owner> = HashMap::new();
    for take in takes {
        let answer = judge(take, seats, lapsed, &won).map(|()| {
            let first = &seats[&take.seats[0]];
            let reserved_until =
                now + take.hold.unwrap_or(std::time::Duration::from_millis(first.hold_ms.unsigned_abs()));
            for seat in take.seats.iter() {
                let row = &seats[seat];
                verdict.to_expire.extend(row.reservation);
                won.insert(
                    *seat,
                    Owner { reservation: take.reservation, hold: row.hold + 1, reserved_until },
                );
            }
            reserved_until
        });
        verdict.takes.push(answer);
    }
    verdict
}

fn judge(
    take: &Take,
    seats: &HashMap<SeatId, LockedSeat>,
    lapsed: &HashSet<ReservationId>,
    won: &HashMap<SeatId, Owner>,
) -> Result<(), Refusal> {
    let event = take.seats.iter().find_map(|seat| seats.get(seat)).map(|row| row.event);
    let mut lost = Vec::new();
    for seat in take.seats.iter() {
        let row = seats.get(seat).filter(|row| Some(row.event) == event);
        let (reason, owner) = match row {
            None => (LostReason::Unknown, None),
            Some(row) if row.sale == SaleStatus::Closed => return Err(Refusal::SaleClosed),
            Some(row) if take.seats.len() > row.seats_max => {
                return Err(Refusal::TooMany { seats_max: row.seats_max });
            }
            Some(row) if row.blocked => (LostReason::Blocked, None),
            Some(_) if won.contains_key(seat) => (LostReason::Held, won.get(seat).copied()),
            Some(row) => match row.status {
                SeatStatus::Available => continue,
                SeatStatus::Reserved if row.reservation.is_some_and(|owner| lapsed.contains(&owner)) => {
                    continue;
                }
                SeatStatus::Reserved => (LostReason::Held, row.owner()),
                SeatStatus::Booked => (LostReason::Sold, None),
            },
        };
        lost.push(Lost { seat: *seat, reason, owner });
    }
    if lost.is_empty() { Ok(()) } else { Err(Refusal::SeatsLost { seats: lost }) }
}

impl LockedSeat {
    fn owner(&self) -> Option<Owner> {
        let (reservation, reserved_until) = (self.reservation?, self.reserved_until?);
        Some(Owner { reservation, hold: self.hold, reserved_until })
    }
}

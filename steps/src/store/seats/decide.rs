//! Decides who of a batch gets which seats. Pure: seats that are given away are locked, so the decision stays true.
//!
//! In the order of the batch each reservation gets all its seats or none; what a loser wanted is free for the
//! next. A lapsed hold counts as free, and the winner's verdict names the reservation that must end for it.

use super::look::{Look, SeatRow};
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
    /// These of its seats are not available.
    SeatsLost {
        /// At least one.
        seats: Vec<Lost>,
    },
    /// The event is not on sale.
    SaleClosed,
    /// The event allows fewer seats a reservation.
    TooMany {
        /// The most seats that the event allows.
        seats_max: usize,
    },
}

/// A seat that is not available.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The seat's id.
    pub seat: SeatId,
    /// Why it is not available.
    pub reason: LostReason,
    /// Who holds it, if the reason is [`LostReason::Held`]. This is for the seat locks, not for customers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// Why a seat is not available.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LostReason {
    /// Another reservation holds it.
    Held,
    /// It is booked.
    Sold,
    /// The venue does not sell it.
    Blocked,
    /// There is no such seat at this event.
    Unknown,
}

/// The holder of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The reservation.
    pub reservation: ReservationId,
    /// The seat's number when that reservation took it.
    pub hold: i64,
    /// The end of the hold, by the database's clock.
    pub reserved_until: DateTime<Utc>,
}

/// Why a reservation gets nothing now.
#[derive(Debug)]
pub(super) enum Loss {
    /// It is refused.
    Refused(Refusal),
    /// Somebody else has one of its seats locked; what becomes of the seat nobody knows yet.
    Busy,
}

/// The verdict on a batch.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// One a take, in order: when its hold ends, or why it gets none.
    pub takes: Vec<Result<DateTime<Utc>, Loss>>,
    /// Lapsed reservations that must end for the winners' sake.
    pub to_expire: BTreeSet<ReservationId>,
}

/// Whether all seats of this one can be won, if nobody else of the batch wins them first.
pub(super) fn can_win(take: &Take, look: &Look) -> bool {
    judge(take, look, &HashMap::new()).is_ok()
}

/// Decides a batch.
pub(super) fn decide(takes: &[Take], look: &Look, now: DateTime<Utc>) -> Verdict {
    let seats = &look.seats;
    let mut verdict = Verdict::default();
    let mut won: HashMap<SeatId, Owner> = HashMap::new();
    for take in takes {
        let answer = judge(take, look, &won).map(|()| {
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

fn judge(take: &Take, look: &Look, won: &HashMap<SeatId, Owner>) -> Result<(), Loss> {
    let Look { seats, lapsed, busy } = look;
    let event = take.seats.iter().find_map(|seat| seats.get(seat)).map(|row| row.event);
    let mut lost = Vec::new();
    for seat in take.seats.iter() {
        let row = seats.get(seat).filter(|row| Some(row.event) == event);
        let (reason, owner) = match row {
            None => (LostReason::Unknown, None),
            Some(row) if row.sale == SaleStatus::Closed => return Err(Loss::Refused(Refusal::SaleClosed)),
            Some(row) if take.seats.len() > row.seats_max => {
                return Err(Loss::Refused(Refusal::TooMany { seats_max: row.seats_max }));
            }
            Some(row) if row.blocked => (LostReason::Blocked, None),
            Some(_) if won.contains_key(seat) => (LostReason::Held, won.get(seat).copied()),
            Some(row) => match row.status {
                SeatStatus::Available => continue,
                SeatStatus::Reserved if row.is_of(lapsed) => continue,
                SeatStatus::Reserved => (LostReason::Held, row.owner()),
                SeatStatus::Booked => (LostReason::Sold, None),
            },
        };
        lost.push(Lost { seat: *seat, reason, owner });
    }
    if !lost.is_empty() {
        return Err(Loss::Refused(Refusal::SeatsLost { seats: lost }));
    }
    if take.seats.iter().any(|seat| busy.contains(seat)) { Err(Loss::Busy) } else { Ok(()) }
}

impl SeatRow {
    /// Whether nobody has it, or one of these.
    pub fn is_free(&self, lapsed: &HashSet<ReservationId>) -> bool {
        match self.status {
            SeatStatus::Available => !self.blocked,
            SeatStatus::Reserved => !self.blocked && self.is_of(lapsed),
            SeatStatus::Booked => false,
        }
    }

    fn is_of(&self, owners: &HashSet<ReservationId>) -> bool {
        self.reservation.is_some_and(|owner| owners.contains(&owner))
    }

    fn owner(&self) -> Option<Owner> {
        let (reservation, reserved_until) = (self.reservation?, self.reserved_until?);
        Some(Owner { reservation, hold: self.hold, reserved_until })
    }
}

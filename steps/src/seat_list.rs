//! The seats of one reservation: one to ten, each once, all of one bucket.

use crate::SeatId;
use orchestrator::Bucket;
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// The most seats that one reservation may have: enough for a family, small enough that one statement's locks
/// hold nobody up. An event may allow fewer.
pub const SEATS_MAX: usize = 10;

/// One to [`SEATS_MAX`] seats, sorted, none twice, all of one bucket (and so, for all we can see without the
/// database, of one event).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<SeatId>", into = "Vec<SeatId>")]
pub struct SeatList(Vec<SeatId>);

impl SeatList {
    /// The bucket of the seats' rows.
    pub fn bucket(&self) -> Bucket {
        self.0[0].bucket()
    }
}

/// Why seats can't be reserved together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSeatList {
    /// There is no seat.
    #[error("a reservation needs at least one seat")]
    Empty,
    /// There are too many seats.
    #[error("{0} seats are more than the {SEATS_MAX} that a reservation may have")]
    TooMany(usize),
    /// One seat is named twice.
    #[error("seat {0} is named twice")]
    Doubled(SeatId),
    /// One seat belongs to another event.
    #[error("seat {0} belongs to another event than the first")]
    Foreign(SeatId),
}

impl TryFrom<Vec<SeatId>> for SeatList {
    type Error = BadSeatList;

    fn try_from(mut seats: Vec<SeatId>) -> Result<Self, BadSeatList> {
        let first = *seats.first().ok_or(BadSeatList::Empty)?;
        if seats.len() > SEATS_MAX {
            return Err(BadSeatList::TooMany(seats.len()));
        }
        if let Some(foreign) = seats.iter().find(|seat| seat.bucket() != first.bucket()) {
            return Err(BadSeatList::Foreign(*foreign));
        }
        seats.sort_unstable();
        match seats.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(BadSeatList::Doubled(pair[0])),
            None => Ok(Self(seats)),
        }
    }
}

impl From<SeatList> for Vec<SeatId> {
    fn from(seats: SeatList) -> Self {
        seats.0
    }
}

impl Deref for SeatList {
    type Target = [SeatId];

    fn deref(&self) -> &[SeatId] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_sorted_and_what_cannot_be_one_is_refused() {
        let bucket = Bucket::of_key("event");
        let seats: Vec<_> = (0..11).map(|_| SeatId::new_in(bucket)).collect();
        let mut backwards = seats[..10].to_vec();
        backwards.reverse();
        assert_eq!(&*SeatList::try_from(backwards).unwrap(), &seats[..10]);
        assert_eq!(SeatList::try_from(vec![]), Err(BadSeatList::Empty));
        assert_eq!(SeatList::try_from(seats.clone()), Err(BadSeatList::TooMany(11)));
        assert_eq!(SeatList::try_from(vec![seats[0], seats[0]]), Err(BadSeatList::Doubled(seats[0])));
        let foreign = SeatId::new_in(Bucket::of_key("other"));
        assert_eq!(SeatList::try_from(vec![seats[0], foreign]), Err(BadSeatList::Foreign(foreign)));
    }
}

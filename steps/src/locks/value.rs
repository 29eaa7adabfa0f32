//! The value of a lock: the owner of the seat, and the hold number.

use crate::ReservationId;
use std::fmt;
use std::str::FromStr;

/// The value of a seat's lock, written `<reservation id>:<hold number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockValue {
    /// The reservation that owns the seat.
    pub reservation: ReservationId,
    /// The seat's hold number when the owner took it: of two owners the higher is the later.
    pub hold: i64,
}

impl fmt::Display for LockValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.reservation, self.hold)
    }
}

/// The text is not the value of a lock.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not `<reservation id>:<hold number>`")]
pub struct BadLockValue(pub String);

impl FromStr for LockValue {
    type Err = BadLockValue;

    fn from_str(text: &str) -> Result<Self, BadLockValue> {
        let parsed = || {
            let (reservation, hold) = text.rsplit_once(':')?;
            Some(Self { reservation: reservation.parse().ok()?, hold: hold.parse().ok()? })
        };
        parsed().ok_or_else(|| BadLockValue(text.to_owned()))
    }
}

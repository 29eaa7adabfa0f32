//! What a lock says: whose the seat is, and under which number.

use crate::ReservationId;
use std::fmt;
use std::str::FromStr;

/// The value of a seat's lock, written `<reservation id>:<hold number>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockValue {
    /// The owner.
    pub reservation: ReservationId,
    /// The seat's hold number when the owner took it: of two owners the higher is the later.
    pub hold: i64,
}

impl fmt::Display for LockValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.reservation, self.hold)
    }
}

/// Text that no lock of ours has.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no `<reservation id>:<hold number>`")]
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

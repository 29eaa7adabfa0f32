//! How far a node has come through the inbox. It remembers this from one run of a job to the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use steps::store::inbox::Place;

/// Where the rounds through the inbox have come to. One that was cut off goes on there: begun anew, what can't be
/// helped would keep everything after it from ever being looked at.
#[derive(Debug, Default)]
pub struct Rounds {
    pub(crate) young: Round,
    pub(crate) old: Round,
}

/// One of them; none at its beginning.
pub(crate) type Round = Mutex<Option<Place>>;

pub(crate) fn reached(round: &Round) -> MutexGuard<'_, Option<Place>> {
    round.lock().unwrap_or_else(PoisonError::into_inner)
}

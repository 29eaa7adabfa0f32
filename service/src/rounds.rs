//! How far a node has come through the inbox. It remembers this from one run of a job to the next.

use std::sync::{Mutex, MutexGuard, PoisonError};
use steps::store::inbox::Place;

/// How far the rounds through the inbox have come. A round that was cut off continues there. If it began again, news that
/// nobody can act on would keep everything behind it from ever being looked at.
#[derive(Debug, Default)]
pub struct Rounds {
    pub(crate) young: Round,
    pub(crate) old: Round,
}

/// The position of one round; `None` at its beginning.
pub(crate) type Round = Mutex<Option<Place>>;

pub(crate) fn reached(round: &Round) -> MutexGuard<'_, Option<Place>> {
    round.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Sagas that may be killing their nodes, and how they are tried again.
//!
//! When a node dies, every saga that it had out is suspected, and most are innocent. So suspicion costs little at first and
//! is narrowed down: a saga that was lost once is claimed again with all the others; one that was lost twice, with few
//! others; after that, alone. Then a saga that kills its node takes no innocent one with it, and an innocent one ends its
//! stretch and is cleared. Only the death of a node counts: a saga that a living node still has out is not lost, and a
//! result that comes too late takes one loss back.

use crate::{
    id::SagaId,
    record::{LOSSES_MAX, State},
    store::sagas::SagaRow,
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many sagas that were lost twice one node tries at once.
const FEW: usize = 16;

/// A saga that may have killed a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    pub saga: SagaId,
    /// How often it was lost before.
    pub losses: i16,
    /// Whether it was lost once more now. It was not if its last holder parked it, for example in the line for a place.
    pub lost: bool,
    /// The token that it was claimed under.
    pub token: i64,
}

/// Places for suspects on this node.
pub(crate) struct Suspects {
    few: Arc<Semaphore>,
    alone: Arc<Semaphore>,
}

/// Whether a suspect may be tried now.
pub(super) enum Admission {
    /// Yes, with all other sagas: it is suspected for the first time.
    Free,
    /// Yes, in a place of its own until its result is there.
    Place(OwnedSemaphorePermit),
    /// No: others are being tried.
    Later,
}

impl Suspects {
    pub fn new() -> Self {
        Self { few: Arc::new(Semaphore::new(FEW)), alone: Arc::new(Semaphore::new(1)) }
    }

    /// Asks for a saga that was lost this many times before the present loss.
    pub(super) fn admit(&self, losses: i16) -> Admission {
        let places = match losses {
            ..=0 => return Admission::Free,
            1 => &self.few,
            2.. => &self.alone,
        };
        places.clone().try_acquire_owned().map_or(Admission::Later, Admission::Place)
    }
}

impl SagaRow {
    /// The suspect, if it may have killed a node now or before. A further try after a rest counts from its beginning.
    pub(super) fn suspect(&self) -> Suspect {
        let lost = self.leased || self.unheld || self.claims == 0 || self.state == State::Stuck;
        Suspect { saga: self.id, losses: self.claims - i16::from(!lost), lost, token: self.token }
    }

    /// Whether it was lost so often that it must rest before it is moved.
    pub(super) fn is_lost_too_often(&self) -> bool {
        self.claims >= LOSSES_MAX && (self.leased || self.state != State::Stuck)
    }
}

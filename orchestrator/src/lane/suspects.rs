//! Who may be killing its nodes, and how such sagas are tried again.
//!
//! When a node dies, whatever it had out is suspected, and mostly innocent. So suspicion costs little at first and is
//! narrowed down: a saga that was lost once is claimed again with all the others; one that was lost twice, with few;
//! from then on, alone. The one that does kill its node then takes no innocent with it, and an innocent one comes
//! home and is cleared. Only a death counts: what a living node still has out is no loss, and what comes home too late
//! takes one back.

use crate::{
    id::SagaId,
    record::{LOSSES_MAX, State},
    store::sagas::SagaRow,
};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Sagas that were lost twice, tried at once by one node.
const FEW: usize = 16;

/// A saga on which somebody may have died.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    pub saga: SagaId,
    /// How often it was lost before.
    pub losses: i16,
    /// It was lost once more now. It was not if whoever had it last parked it, such as in the line for a place.
    pub lost: bool,
    /// What it was claimed under.
    pub token: i64,
}

/// Places for suspects on this node.
pub(crate) struct Suspects {
    few: Arc<Semaphore>,
    alone: Arc<Semaphore>,
}

/// Whether a suspect may be tried now.
pub(super) enum Admission {
    /// Suspected for the first time: with everybody else.
    Free,
    /// In a place of its own, until it has come home.
    Place(OwnedSemaphorePermit),
    /// Others are being tried.
    Later,
}

impl Suspects {
    pub fn new() -> Self {
        Self { few: Arc::new(Semaphore::new(FEW)), alone: Arc::new(Semaphore::new(1)) }
    }

    /// Asks for a saga that was lost so many times before it was lost now.
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
    /// As a suspect: somebody may have died on it, or has before. A further try after a rest counts from its beginning.
    pub(super) fn suspect(&self) -> Suspect {
        let lost = self.leased || self.unheld || self.claims == 0 || self.state == State::Stuck;
        Suspect { saga: self.id, losses: self.claims - i16::from(!lost), lost, token: self.token }
    }

    /// Whether it was lost so often that it is moved only after a rest.
    pub(super) fn is_lost_too_often(&self) -> bool {
        self.claims >= LOSSES_MAX && (self.leased || self.state != State::Stuck)
    }
}

//! Sagas that a lane of this node stopped at, until they are stuck in the database or have got on.

use crate::{SagaId, cause::StuckCause};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// What is known of them.
#[derive(Debug, Default)]
pub(crate) struct Culprits {
    known: Mutex<HashMap<SagaId, Guilt>>,
    /// How many there are: mostly none, and then nobody waits for the lock.
    many: AtomicUsize,
}

#[derive(Clone, Debug)]
enum Guilt {
    /// One of several: it is tried alone.
    Suspected,
    /// It is to be stuck as soon as it is claimed.
    Proved(StuckCause),
}

impl Culprits {
    /// One of these stopped a lane.
    pub fn suspect(&self, sagas: impl IntoIterator<Item = SagaId>) {
        let mut known = self.lock();
        for saga in sagas {
            known.entry(saga).or_insert(Guilt::Suspected);
        }
        self.many.store(known.len(), Ordering::Release);
    }

    /// This one did, and for this it is to be stuck.
    pub fn prove(&self, saga: SagaId, cause: StuckCause) {
        let mut known = self.lock();
        known.insert(saga, Guilt::Proved(cause));
        self.many.store(known.len(), Ordering::Release);
    }

    /// Whether it is one of them.
    pub fn has(&self, saga: SagaId) -> bool {
        self.many.load(Ordering::Acquire) > 0 && self.lock().contains_key(&saga)
    }

    /// Why it is to be stuck, if it is.
    pub fn cause(&self, saga: SagaId) -> Option<StuckCause> {
        if self.many.load(Ordering::Acquire) == 0 {
            return None;
        }
        match self.lock().get(&saga)? {
            Guilt::Proved(cause) => Some(cause.clone()),
            Guilt::Suspected => None,
        }
    }

    /// It has got on, or is stuck.
    pub fn settle(&self, saga: SagaId) {
        if self.many.load(Ordering::Acquire) > 0 {
            let mut known = self.lock();
            known.remove(&saga);
            self.many.store(known.len(), Ordering::Release);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, Guilt>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

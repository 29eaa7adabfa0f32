//! A lane as seen from outside: which workflow it is polling, and since when.
//!
//! A workflow that never returns from a poll holds up its lane and all that waits for it. Nobody can stop such a
//! thread, so the lane is given up: its connection is closed from outside, another lane takes its place, and the
//! saga is stuck as soon as that one claims it.

use crate::SagaId;
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI32, Ordering},
    },
    time::{Duration, Instant},
};

/// The signs of life of one lane.
#[derive(Debug, Default)]
pub(crate) struct Health {
    polling: Mutex<Option<(SagaId, Instant)>>,
    given_up: AtomicBool,
    /// The lane's process in the database, for whoever must close its connection.
    backend: AtomicI32,
}

impl Health {
    /// Polls of this saga begin; they end when the guard is dropped.
    pub fn polling(&self, saga: SagaId) -> Polling<'_> {
        *self.lock() = Some((saga, Instant::now()));
        Polling(self)
    }

    /// The saga that has been polled for longer than this.
    pub fn hung(&self, bound: Duration) -> Option<SagaId> {
        self.lock().filter(|(_, since)| since.elapsed() > bound).map(|(saga, _)| saga)
    }

    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    pub fn connected(&self, backend: i32) {
        self.backend.store(backend, Ordering::Release);
    }

    pub fn backend(&self) -> i32 {
        self.backend.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(SagaId, Instant)>> {
        self.polling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a poll when dropped, also by a panic.
pub(crate) struct Polling<'a>(&'a Health);

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}

/// Sagas that a lane of this node was given up for, until they are stuck in the database.
#[derive(Debug, Default)]
pub(crate) struct Hung(Mutex<Vec<SagaId>>);

impl Hung {
    pub fn add(&self, saga: SagaId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(saga);
    }

    pub fn has(&self, saga: SagaId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&saga)
    }

    pub fn settled(&self, saga: SagaId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|hung| *hung != saga);
    }
}

//! Sagas that this binary has met and can't read, because a newer one wrote them. They are left to those who can.

use crate::id::SagaId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Sagas that are remembered; beyond it the memory starts anew, and each is read once more.
const REMEMBERED_MAX: usize = 100_000;

/// Counts sagas that were left to newer binaries.
const LEFT: &str = "usher_sagas_left_to_newer_total";

/// What was met: sagas, each with the epoch of its row. Whoever moves it raises that, and then it is worth another look.
#[derive(Debug, Default)]
pub(crate) struct Newer(Mutex<HashMap<SagaId, i64>>);

impl Newer {
    /// Remembers a saga that can't be read; says so once.
    pub fn remember(&self, saga: SagaId, epoch: i64, why: &str) {
        let mut met = self.lock();
        if met.len() >= REMEMBERED_MAX {
            met.clear();
        }
        let before = met.insert(saga, epoch);
        drop(met);
        if before.is_none() {
            metrics::counter!(LEFT).increment(1);
            tracing::warn!(%saga, why, "a newer binary wrote this saga: it is left to nodes that know it");
        }
    }

    /// Whether it could not be read as it stands.
    pub fn has(&self, saga: SagaId, epoch: i64) -> bool {
        self.lock().get(&saga) == Some(&epoch)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Sagas that this binary has met and can't read, because a newer one wrote them. They are left to nodes that can.

use crate::id::SagaId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Sagas that are remembered. If there are more, all are forgotten, and each is read once more.
const REMEMBERED_MAX: usize = 100_000;

/// Counts sagas that were left to newer binaries.
const LEFT: &str = "usher_sagas_left_to_newer_total";

/// The sagas that were met, each with the epoch of its row. A move of the saga raises the epoch, and then it is read again.
#[derive(Debug, Default)]
pub(crate) struct Newer(Mutex<HashMap<SagaId, i64>>);

impl Newer {
    /// Remembers a saga that can't be read, and logs it once.
    pub fn remember(&self, saga: SagaId, epoch: i64, why: &str) {
        let mut met = self.lock();
        if met.len() >= REMEMBERED_MAX {
            met.clear();
        }
        let before = met.insert(saga, epoch);
        drop(met);
        if before.is_none() {
            metrics::counter!(LEFT).increment(1);
            tracing::warn!(%saga, why, "a newer binary wrote this saga: it is left to nodes with that binary");
        }
    }

    /// Whether it could not be read at this epoch.
    pub fn has(&self, saga: SagaId, epoch: i64) -> bool {
        self.lock().get(&saga) == Some(&epoch)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

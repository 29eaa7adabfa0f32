//! Sagas at which a lane of this node hung, until they are stuck in the database or have gone on.

use crate::{id::SagaId, record::StuckCause};
use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a saga is remembered. After this time, many leases, another node has moved it; if not, it is found again.
const GUILT_MAX: Duration = Duration::from_secs(600);

/// What is known about them.
#[derive(Debug, Default)]
pub(crate) struct Culprits {
    known: Mutex<HashMap<SagaId, Guilt>>,
    /// The number of these sagas. Mostly there are none, and then nobody needs the lock.
    many: AtomicUsize,
}

#[derive(Debug)]
struct Guilt {
    since: Instant,
    /// Why it must become stuck as soon as it is claimed. `None`: it is one of several candidates, and is tried alone.
    cause: Option<StuckCause>,
}

impl Guilt {
    fn lasts(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) < GUILT_MAX
    }
}

impl Culprits {
    /// Records that a lane hung at one of these sagas.
    pub fn suspect(&self, sagas: impl IntoIterator<Item = SagaId>) {
        self.note(|known, since| {
            for saga in sagas {
                known.entry(saga).or_insert(Guilt { since, cause: None });
            }
        });
    }

    /// Records that a lane hung at this saga, and why it must become stuck.
    pub fn prove(&self, saga: SagaId, cause: StuckCause) {
        self.note(|known, since| {
            known.insert(saga, Guilt { since, cause: Some(cause) });
        });
    }

    fn note(&self, change: impl FnOnce(&mut HashMap<SagaId, Guilt>, Instant)) {
        let now = Instant::now();
        let mut known = self.lock();
        known.retain(|_, guilt| guilt.lasts(now));
        change(&mut known, now);
        self.many.store(known.len(), Ordering::Release);
    }

    /// Whether a saga is one of them.
    pub fn has(&self, saga: SagaId) -> bool {
        self.guilt(saga, |_| ()).is_some()
    }

    /// Why a saga must become stuck; `None` if it need not.
    pub fn cause(&self, saga: SagaId) -> Option<StuckCause> {
        self.guilt(saga, |guilt| guilt.cause.clone())?
    }

    fn guilt<T>(&self, saga: SagaId, of: impl FnOnce(&Guilt) -> T) -> Option<T> {
        if self.many.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.lock().get(&saga).filter(|guilt| guilt.lasts(Instant::now())).map(of)
    }

    /// Forgets a saga that has gone on, or is stuck.
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

#[cfg(test)]
mod tests {
    use super::{GUILT_MAX, Guilt};
    use std::time::{Duration, Instant};

    #[test]
    fn guilt_ends() {
        let since = Instant::now();
        let guilt = Guilt { since, cause: None };
        assert!(guilt.lasts(since + GUILT_MAX - Duration::from_millis(1)));
        assert!(!guilt.lasts(since + GUILT_MAX));
    }
}

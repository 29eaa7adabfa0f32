//! The leases of this node: kept while calls are out, renewed on a connection of their own, given up by our own
//! monotonic clock as soon as they may have ended.

use crate::{SagaId, store::sagas};
use sqlx::PgConnection;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// What this node holds.
pub(crate) struct Leases {
    held: Mutex<HashMap<SagaId, Held>>,
    lease: Duration,
}

#[derive(Clone, Copy)]
struct Held {
    token: i64,
    until: Instant,
}

/// How many leases one statement renews.
const RENEWALS_MAX: usize = 1024;

impl Leases {
    pub fn new(lease: Duration) -> Self {
        Self { held: Mutex::default(), lease }
    }

    /// Keeps a lease that was committed; `until` counts from before the commit, so that ours ends first.
    pub fn keep(&self, saga: SagaId, token: i64, until: Instant) {
        self.lock().insert(saga, Held { token, until });
    }

    /// Lets a lease go: its call has been dealt with.
    pub fn release(&self, saga: SagaId, token: i64) {
        let mut held = self.lock();
        if held.get(&saga).is_some_and(|held| held.token == token) {
            held.remove(&saga);
        }
    }

    /// Lets the leases of a lane go that is given up: their results may still be taken in, else they run out.
    pub fn release_all(&self, of_lane: impl Fn(SagaId) -> bool) {
        self.lock().retain(|saga, _| !of_lane(*saga));
    }

    /// Whether a call may still leave under this lease.
    pub fn holds(&self, saga: SagaId, token: i64) -> bool {
        self.lock().get(&saga).is_some_and(|held| held.token == token && Instant::now() < held.until)
    }

    /// Renews what has used up a third of its time.
    pub async fn renew(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let now = Instant::now();
        let soon = now + self.lease * 2 / 3;
        let mut due: Vec<(SagaId, i64)> = self
            .lock()
            .iter()
            .filter(|(_, held)| held.until < soon)
            .map(|(saga, held)| (*saga, held.token))
            .collect();
        due.sort_unstable();
        for leases in due.chunks(RENEWALS_MAX) {
            let since = Instant::now();
            let lease_ms = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
            let renewed = sagas::renew(connection, leases, lease_ms).await?;
            let mut held = self.lock();
            for (saga, token) in leases {
                match held.get_mut(saga) {
                    Some(lease) if lease.token == *token && renewed.contains(saga) => {
                        lease.until = since + self.lease;
                    }
                    Some(lease) if lease.token == *token => {
                        held.remove(saga);
                    }
                    Some(_) | None => {}
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

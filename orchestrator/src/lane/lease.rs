//! The leases of this node. A lease lives exactly as long as the work it covers: the call that is out, or the result
//! that waits to be written, owns it, and letting go of that lets go of the lease.
//!
//! Renewed on a connection of its own, and given up by our own monotonic clock as soon as it may have ended. What has
//! ended is not renewed from here: somebody else may have the saga already. Only a lane that has its row locked may see
//! that nobody has, and prolong it.

use crate::{
    id::SagaId,
    store::leases::{self, Held},
};
use sqlx::PgConnection;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::OwnedSemaphorePermit;

/// What this node holds: which saga, under which token, until when.
pub(crate) struct Leases {
    held: Mutex<HashMap<Held, Instant>>,
    lease: Duration,
}

/// The right to advance a saga. Dropped, it is not renewed any more.
pub(crate) struct Lease {
    pub saga: SagaId,
    pub token: i64,
    /// Taken while the saga is suspected of killing its nodes.
    pub suspicion: Option<OwnedSemaphorePermit>,
    leases: Arc<Leases>,
}

/// How many leases one statement renews.
const RENEWALS_MAX: usize = 1024;
/// How many rows that somebody has locked are waited for in one go, each for a moment. The others have their next try.
const WAITS_MAX: usize = 8;

impl Leases {
    pub fn new(lease: Duration) -> Self {
        Self { held: Mutex::default(), lease }
    }

    /// Takes a lease that was committed; `until` counts from before the commit, so that ours ends first.
    pub fn take(self: &Arc<Self>, saga: SagaId, token: i64, until: Instant) -> Lease {
        self.lock().insert((saga, token), until);
        Lease { saga, token, suspicion: None, leases: self.clone() }
    }

    /// Renews nothing any more of what a lane has that does not get on: its results may still be taken in while nobody
    /// else has claimed their sagas.
    pub fn abandon(&self, of_lane: impl Fn(SagaId) -> bool) {
        self.lock().retain(|(saga, _), _| !of_lane(*saga));
    }

    /// Renews what has used up a third of its time, has not ended, and belongs to a lane that gets on. Rows that somebody
    /// has locked keep no other from being renewed: they are passed over, then waited for one by one.
    pub async fn renew(
        &self,
        connection: &mut PgConnection,
        gets_on: impl Fn(SagaId) -> bool,
    ) -> Result<(), sqlx::Error> {
        for due in self.due(gets_on).chunks(RENEWALS_MAX) {
            let since = Instant::now();
            let renewed: HashSet<_> = self.write(connection, due).await?.into_iter().collect();
            self.extend(renewed.iter().copied(), since);
            let missing: Vec<_> = due.iter().copied().filter(|lease| !renewed.contains(lease)).collect();
            if missing.is_empty() {
                continue;
            }
            let locked: HashSet<_> = leases::find_held(connection, &missing).await?.into_iter().collect();
            self.lock().retain(|lease, _| locked.contains(lease) || !missing.contains(lease));
            for lease in locked.into_iter().take(WAITS_MAX) {
                let since = Instant::now();
                if leases::renew_waiting(connection, lease, self.lease).await? {
                    self.extend([lease], since);
                }
            }
        }
        Ok(())
    }

    /// Whether a call is out, or its result waits, under this lease, though it may have ended: this node has not died of it.
    pub fn covers(&self, saga: SagaId, token: i64) -> bool {
        self.lock().contains_key(&(saga, token))
    }

    /// Writes a new end of these leases, and says of which it could. They are [extended](Self::extend) once that is committed.
    pub async fn write(
        &self,
        connection: &mut PgConnection,
        leases: &[Held],
    ) -> Result<Vec<Held>, sqlx::Error> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        leases::renew(connection, leases, self.lease).await
    }

    fn due(&self, gets_on: impl Fn(SagaId) -> bool) -> Vec<Held> {
        let now = Instant::now();
        let soon = now + self.lease * 2 / 3;
        let held = self.lock();
        let due = held.iter().filter(|(_, until)| now < **until && **until < soon);
        let mut due: Vec<_> = due.map(|(lease, _)| *lease).filter(|(saga, _)| gets_on(*saga)).collect();
        due.sort_unstable();
        due
    }

    /// Only of what is still held: its work may have ended meanwhile.
    pub fn extend(&self, renewed: impl IntoIterator<Item = Held>, since: Instant) {
        let mut held = self.lock();
        for lease in renewed {
            if let Some(until) = held.get_mut(&lease) {
                *until = since + self.lease;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Held, Instant>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    /// Whether a call may still leave under it.
    pub fn holds(&self) -> bool {
        self.leases.lock().get(&(self.saga, self.token)).is_some_and(|until| Instant::now() < *until)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.leases.lock().remove(&(self.saga, self.token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Bucket;

    #[test]
    fn a_lease_ends_with_what_owns_it_and_another_under_a_new_token_stays() {
        let leases = Arc::new(Leases::new(Duration::from_secs(10)));
        let saga = SagaId::new_in(Bucket::of_key("one"));
        let later = Instant::now() + Duration::from_secs(10);
        let (old, new) = (leases.take(saga, 1, later), leases.take(saga, 2, later));
        assert!(old.holds() && new.holds());
        drop(old);
        assert!(new.holds());
        drop(new);
        assert!(leases.lock().is_empty());
    }

    #[test]
    fn what_has_ended_or_belongs_to_a_lane_that_stands_still_is_not_renewed() {
        let leases = Arc::new(Leases::new(Duration::from_secs(10)));
        let [ended, fresh, soon, still] = ["a", "b", "c", "d"].map(|key| SagaId::new_in(Bucket::of_key(key)));
        let now = Instant::now();
        let in_s = |s| now + Duration::from_secs(s);
        let held = [(ended, now), (fresh, in_s(9)), (soon, in_s(3)), (still, in_s(3))];
        let _held = held.map(|(saga, until)| leases.take(saga, 7, until));
        assert_eq!(leases.due(|saga| saga != still), [(soon, 7)]);
    }
}

//! The leases of this node. A lease lives exactly as long as the work that it covers. The call that is out, or the result
//! that waits to be written, owns it, and dropping that drops the lease.
//!
//! Leases are renewed on a connection of their own, and given up by our monotonic clock as soon as they may have ended. A
//! lease that has ended is not renewed from here, because somebody else may have the saga. Only a lane that has locked the
//! row can see that nobody has, and may prolong it.

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

/// The leases of this node: the saga and the token of each, and its end.
pub(crate) struct Leases {
    held: Mutex<HashMap<Held, Instant>>,
    lease: Duration,
}

/// The right to advance a saga. Once it is dropped, it is no longer renewed.
pub(crate) struct Lease {
    pub saga: SagaId,
    pub token: i64,
    /// The place of a suspect, if the saga is suspected of killing its nodes.
    pub suspicion: Option<OwnedSemaphorePermit>,
    leases: Arc<Leases>,
}

/// How many leases one statement renews.
const RENEWALS_MAX: usize = 1024;
/// How many locked rows one round waits for, each for a moment. The others wait for the next round.
const WAITS_MAX: usize = 8;

impl Leases {
    pub fn new(lease: Duration) -> Self {
        Self { held: Mutex::default(), lease }
    }

    /// Takes a lease that was committed. `until` counts from before the commit, so that ours ends first.
    pub fn take(self: &Arc<Self>, saga: SagaId, token: i64, until: Instant) -> Lease {
        self.lock().insert((saga, token), until);
        Lease { saga, token, suspicion: None, leases: self.clone() }
    }

    /// Stops renewing the leases of a lane that hangs. Its results still count as long as nobody else has claimed their
    /// sagas.
    pub fn abandon(&self, of_lane: impl Fn(SagaId) -> bool) {
        self.lock().retain(|(saga, _), _| !of_lane(*saga));
    }

    /// Renews leases that have used a third of their time, have not ended, and belong to a lane that works. Locked rows do not
    /// delay the others: they are skipped first, and then waited for one by one.
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

    /// Whether a call is out, or its result waits, under this lease, even if the lease may have ended: the saga has not killed
    /// this node.
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

    /// Changes only leases that are still held: their work may have ended meanwhile.
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

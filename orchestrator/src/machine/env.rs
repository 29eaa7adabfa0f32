//! What a run knows of its surroundings: what all sagas of a transaction share, and who moves them.

use crate::{
    id::SagaId,
    machine::{
        culprits::Culprits,
        places::{Place, Places},
    },
    record::StuckCause,
    registry::Registry,
    settings::Settings,
    signs::{Busy, Doing, Signs},
};
use chrono::{DateTime, Utc};
use rand::Rng;
use std::{cell::Cell, sync::Arc, time::Duration};

/// What a transaction knows besides its sagas.
pub(crate) struct Env<'a> {
    pub registry: &'a Registry,
    pub settings: &'a Settings,
    pub now: DateTime<Utc>,
    /// Written on all rows of the transaction.
    pub token: i64,
    pub mode: Mode<'a>,
    /// For how long workflows were polled in this transaction.
    pub polled: Cell<Duration>,
    /// Something in this batch hides an error of the database: each set of steps is asked for it.
    pub checked: bool,
}

/// Who moves the sagas, and so what becomes of a call that may leave.
pub(crate) enum Mode<'a> {
    /// A lane: calls leave after its commit, each in a place of its service.
    Lane {
        signs: &'a Signs,
        culprits: &'a Culprits,
        places: &'a Arc<Places>,
        /// This node is leaving: it hands nothing out any more.
        draining: bool,
    },
    /// An operator: nothing leaves from here. The next call is held back, to be shown, and lanes make it later.
    Planning,
}

/// Whether a call may leave.
pub(crate) enum Leave {
    /// With this place; without one, if the saga has come with its own.
    Now(Option<Place>),
    /// All places of its service are taken: the saga stands in line.
    Full,
    /// This node is leaving, or an operator plans: it is another lane that makes the call.
    NotFromHere,
}

/// For how long workflows are polled in one batch; the others have their turn in the next one. Far below the time after
/// which the database ends an idle transaction, and long for a batch.
const POLLED_MAX: Duration = Duration::from_secs(2);

/// Places on the grid of lease ends within one lease: a lease may be shorter by one part in so many.
const LEASE_GRID: i64 = 4;

impl<'a> Env<'a> {
    /// What a transaction of somebody who moves sagas so knows.
    pub fn new(
        registry: &'a Registry,
        settings: &'a Settings,
        now: DateTime<Utc>,
        token: i64,
        mode: Mode<'a>,
    ) -> Self {
        Self { registry, settings, now, token, mode, polled: Cell::default(), checked: false }
    }

    /// What an operator's transaction knows. Its token is new: a call that is out finds another one.
    pub fn planning(registry: &'a Registry, settings: &'a Settings, now: DateTime<Utc>) -> Self {
        Self::new(registry, settings, now, rand::rng().random(), Mode::Planning)
    }

    /// The cause to stop for, if JSON of so many bytes is more than an entry's input or output may be.
    pub fn oversize(&self, what: &str, bytes: usize) -> Option<StuckCause> {
        let (size, bound) = (bytes as u64, self.settings.entry_bytes_max as u64);
        (size > bound).then(|| StuckCause::Oversize { what: what.to_owned(), size, bound })
    }

    /// When a lease given now ends. On a grid, so that a saga that goes from call to call keeps its `due_at`: that is
    /// the one indexed column that changes, and an update that leaves it alone needs no new index entries.
    pub fn lease_end(&self) -> DateTime<Utc> {
        let grid_us = (self.settings.lease.as_micros() as i64 / LEASE_GRID).max(1);
        let end = self.now + self.settings.lease;
        end - chrono::Duration::microseconds(end.timestamp_micros().rem_euclid(grid_us))
    }

    /// How long a lease given now lasts.
    pub fn lease_left(&self) -> Duration {
        (self.lease_end() - self.now).to_std().unwrap_or_default()
    }

    /// Whether workflows have been polled for so long that the rest of the batch waits for the next one.
    pub fn is_out_of_time(&self) -> bool {
        self.polled.get() > POLLED_MAX
    }

    /// Whether a call of this service may leave; `has_place` if its saga stood in line and has a place now.
    pub fn may_leave(&self, service: &'static str, has_place: bool) -> Leave {
        match &self.mode {
            Mode::Planning | Mode::Lane { draining: true, .. } => Leave::NotFromHere,
            Mode::Lane { .. } if has_place => Leave::Now(None),
            Mode::Lane { places, .. } => match places.take(service) {
                Some(place) => Leave::Now(Some(place)),
                None => Leave::Full,
            },
        }
    }

    /// A lane is seen doing this until the guard is dropped. Nobody watches an operator.
    pub fn busy_with(&self, doing: Doing) -> Option<Busy<'_>> {
        match &self.mode {
            Mode::Lane { signs, .. } => Some(signs.busy_with(doing)),
            Mode::Planning => None,
        }
    }

    /// One of these cost the batch too much: from now on the lane tries each of them alone.
    pub fn suspect(&self, sagas: impl IntoIterator<Item = SagaId>) {
        match &self.mode {
            Mode::Lane { culprits, .. } => culprits.suspect(sagas),
            Mode::Planning => {}
        }
    }

    /// Why a saga is to be stuck that a lane of this node has stopped at, if it has.
    pub fn guilt_of(&self, saga: SagaId) -> Option<StuckCause> {
        match &self.mode {
            Mode::Lane { culprits, .. } => culprits.cause(saga),
            Mode::Planning => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_given_one_after_another_mostly_end_together_and_never_late() {
        let (registry, settings) = (Registry::default(), Settings::default());
        let begin = DateTime::from_timestamp(1_800_000_000, 0).expect("a moment of 2027");
        let mut ends = std::collections::BTreeSet::new();
        for step_ms in 0..100 {
            let now = begin + chrono::Duration::milliseconds(step_ms * 10);
            let env = Env::planning(&registry, &settings, now);
            assert_eq!(env.lease_end(), now + env.lease_left());
            assert!(env.lease_left() <= settings.lease && env.lease_left() > settings.lease * 7 / 10);
            ends.insert(env.lease_end());
        }
        assert!(ends.len() <= 2, "in one second: {ends:?}");
    }
}

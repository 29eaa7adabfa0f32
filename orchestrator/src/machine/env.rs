//! The environment of a run: what all sagas of a transaction share, and who moves them.

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

/// What the sagas of a transaction share.
pub(crate) struct Env<'a> {
    pub registry: &'a Registry,
    pub settings: &'a Settings,
    pub now: DateTime<Utc>,
    /// The token, written on all rows of the transaction.
    pub token: i64,
    pub mode: Mode<'a>,
    /// How long workflows were polled in this transaction.
    pub polled: Cell<Duration>,
    /// Whether something in this batch hides an error of the database, so that each set of steps is checked.
    pub checked: bool,
}

/// Who moves the sagas, which decides about calls.
pub(crate) enum Mode<'a> {
    /// A lane: calls are made after its commit, each in a place of its service.
    Lane {
        signs: &'a Signs,
        culprits: &'a Culprits,
        places: &'a Arc<Places>,
        /// Cancelled when this node is leaving and makes no more calls.
        draining: bool,
    },
    /// An operator: no call is made from here. The next call is kept to be shown, and lanes make it later.
    Planning,
}

/// Whether a call may be made.
pub(crate) enum Leave {
    /// Yes, in this place; without one if the saga already has its own.
    Now(Option<Place>),
    /// No: all places of its service are taken, and the saga waits in line.
    Full,
    /// No: this node is leaving, or an operator plans. Another lane makes the call.
    NotFromHere,
}

/// How long workflows may be polled in one batch. The other sagas have to wait for the next one. This is far below the time
/// after which the database ends an idle transaction, and long for a batch.
const POLLED_MAX: Duration = Duration::from_secs(2);

/// Points on the grid of lease ends within one lease: a lease may be shorter by one part in this many.
const LEASE_GRID: i64 = 4;

impl<'a> Env<'a> {
    /// The environment of a transaction in this mode.
    pub fn new(
        registry: &'a Registry,
        settings: &'a Settings,
        now: DateTime<Utc>,
        token: i64,
        mode: Mode<'a>,
    ) -> Self {
        Self { registry, settings, now, token, mode, polled: Cell::default(), checked: false }
    }

    /// The environment of an operator's transaction. Its token is new, so a call that is out finds that its token has changed.
    pub fn planning(registry: &'a Registry, settings: &'a Settings, now: DateTime<Utc>) -> Self {
        Self::new(registry, settings, now, rand::rng().random(), Mode::Planning)
    }

    /// The cause to stop for, if JSON of this size in bytes is too large for an entry's input or output.
    pub fn oversize(&self, what: &str, bytes: usize) -> Option<StuckCause> {
        let (size, bound) = (bytes as u64, self.settings.entry_bytes_max as u64);
        (size > bound).then(|| StuckCause::Oversize { what: what.to_owned(), size, bound })
    }

    /// When a lease given now ends. Ends lie on a grid, so that a saga that goes from call to call keeps its `due_at`. That is
    /// the only indexed column that changes, and an update that leaves it alone needs no new index entries.
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

    /// Whether a call of this service may be made; `has_place` if its saga waited in line and has a place now.
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

    /// Shows that the lane is doing this until the guard is dropped. Operators are not watched.
    pub fn busy_with(&self, doing: Doing) -> Option<Busy<'_>> {
        match &self.mode {
            Mode::Lane { signs, .. } => Some(signs.busy_with(doing)),
            Mode::Planning => None,
        }
    }

    /// Records that one of these cost the batch too much. From now on the lane tries each of them alone.
    pub fn suspect(&self, sagas: impl IntoIterator<Item = SagaId>) {
        match &self.mode {
            Mode::Lane { culprits, .. } => culprits.suspect(sagas),
            Mode::Planning => {}
        }
    }

    /// Why a saga must become stuck because a lane of this node hung at it; `None` if none did.
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

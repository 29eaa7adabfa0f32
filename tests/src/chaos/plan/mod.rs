//! What is going to happen, all of it from the seed alone: which fault strikes whom and when, who books what and when.
//!
//! How long processes take isn't in the plan, so two runs of one seed differ in what comes of it.

mod fault;
mod journey;
mod tracks;

pub(super) use fault::{Fault, Node, TABLES, WaysOff};
pub(super) use journey::{EVENTS, Event, Journey, Kind};

use rand::{Rng, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// Nodes of a run.
pub(super) const NODES: usize = 3;
/// How long a node of these runs may be silent before others take its sagas over. Short, so that a run is.
pub(super) const LEASE: Duration = Duration::from_millis(1500);

/// Something, and when it begins.
#[derive(Clone, Debug)]
pub(super) struct Planned<T> {
    pub at: Duration,
    pub what: T,
}

/// A fault, and for how long.
#[derive(Clone, Debug)]
pub(super) struct Stroke {
    pub fault: Fault,
    pub lasts: Duration,
}

/// A whole run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub seed: u64,
    pub length: Duration,
    /// Faults that strike side by side: within a track the next begins when the one before is over.
    pub tracks: Vec<Vec<Planned<Stroke>>>,
    /// In the order of their times.
    pub journeys: Vec<Planned<Journey>>,
}

impl Plan {
    /// The plan of this seed.
    pub fn of(seed: u64, length: Duration) -> Self {
        let tracks = tracks::ALL.iter().enumerate().map(|(number, track)| {
            // Each track has random numbers of its own, so that a change of one track leaves the others as they are.
            let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(number as u64 + 1));
            tracks::lay(track, length, &mut random)
        });
        let tracks = tracks.collect();
        let journeys = journey::draw(length, &mut StdRng::seed_from_u64(seed.wrapping_mul(1_000)));
        Self { seed, length, tracks, journeys }
    }

    /// How many faults it has.
    pub fn faults(&self) -> usize {
        self.tracks.iter().map(Vec::len).sum()
    }
}

/// A random time between these two.
fn between(random: &mut StdRng, from_ms: u64, to_ms: u64) -> Duration {
    Duration::from_millis(random.random_range(from_ms..=to_ms))
}

/// One of these.
fn one<T: Clone>(random: &mut StdRng, of: &[T]) -> T {
    of[random.random_range(0..of.len())].clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn one_seed_is_one_plan_and_another_seed_is_another() {
        let plan = |seed| format!("{:?}", Plan::of(seed, MINUTE));
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
    }

    #[test]
    fn every_fault_is_over_before_the_end_and_none_meets_the_next_of_its_track() {
        for seed in 0..50 {
            for track in Plan::of(seed, MINUTE).tracks {
                let mut over = Duration::ZERO;
                for Planned { at, what } in track {
                    assert!(at >= over, "seed {seed}: {what:?} at {at:?}");
                    over = at + what.lasts;
                    assert!(over <= MINUTE, "seed {seed}: {what:?} at {at:?}");
                }
            }
        }
    }

    #[test]
    fn a_minute_has_faults_of_every_track_and_fifty_seeds_have_every_kind_of_journey() {
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..50 {
            let plan = Plan::of(seed, MINUTE);
            assert!(plan.tracks.iter().all(|track| !track.is_empty()), "seed {seed}");
            assert!(plan.faults() > 30 && plan.journeys.len() > 120, "seed {seed}");
            kinds.extend(plan.journeys.iter().map(|planned| planned.what.kind));
        }
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), Kind::ALL);
    }
}

//! Sagas whose next message was refused, and that rest for a while. This is kept in memory: another node, or this one after
//! a restart, may try sooner.

use crate::SagaId;
use rand::Rng;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// The longest wait after the first refusal. It doubles with each further refusal.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest wait of all: it bounds the delay once the handler takes messages again.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// The most sagas that rest at the same time. If there are more, the handler fails, not the sagas, and all wait.
const SAGAS_MAX: usize = 1_000;

#[derive(Default)]
pub(super) struct Resting(HashMap<SagaId, Rest>);

struct Rest {
    refusals: u32,
    until: Instant,
}

impl Resting {
    /// The sagas that rest now; `None` if there are too many to go on with others.
    pub fn sagas(&mut self) -> Option<Vec<SagaId>> {
        let now = Instant::now();
        // If nobody has asked for it since, another node has taken its message.
        self.0.retain(|_, rest| now < rest.until + BACKOFF_MAX);
        let resting: Vec<SagaId> =
            self.0.iter().filter(|(_, rest)| now < rest.until).map(|(saga, _)| *saga).collect();
        (resting.len() < SAGAS_MAX).then_some(resting)
    }

    /// Records that a saga's message was refused. Returns how often in a row, from 1.
    pub fn note_refusal(&mut self, saga: SagaId) -> u32 {
        let rest = self.0.entry(saga).or_insert(Rest { refusals: 0, until: Instant::now() });
        rest.refusals = rest.refusals.saturating_add(1);
        rest.until = Instant::now() + wait_after(rest.refusals);
        rest.refusals
    }

    /// Records that a saga's message was taken.
    pub fn taken(&mut self, saga: SagaId) {
        self.0.remove(&saga);
    }
}

/// The wait: exponential with jitter, so that sagas are not tried at the same moment.
fn wait_after(refusals: u32) -> Duration {
    let ceiling = BACKOFF.saturating_mul(1 << refusals.saturating_sub(1).min(16)).min(BACKOFF_MAX);
    rand::rng().random_range(ceiling / 2..=ceiling)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bucket;

    #[test]
    fn waits_double_and_are_bounded() {
        for (refusals, ceiling) in
            [(1, BACKOFF), (2, 2 * BACKOFF), (40, BACKOFF_MAX), (u32::MAX, BACKOFF_MAX)]
        {
            let wait = wait_after(refusals);
            assert!(ceiling / 2 <= wait && wait <= ceiling, "{refusals}: {wait:?}");
        }
    }

    #[test]
    fn who_is_refused_is_left_alone_until_it_is_taken_and_too_many_stop_all() {
        let mut resting = Resting::default();
        let saga = SagaId::new_in(Bucket::of_key("a"));
        assert_eq!((resting.note_refusal(saga), resting.note_refusal(saga)), (1, 2));
        assert_eq!(resting.sagas(), Some(vec![saga]));
        resting.taken(saga);
        assert_eq!(resting.sagas(), Some(vec![]));
        for n in 0..SAGAS_MAX {
            resting.note_refusal(SagaId::new_in(Bucket::of_key(&n.to_string())));
        }
        assert_eq!(resting.sagas(), None);
    }
}

//! What clients were told, kept apart from the system that told them.

use super::{plan::Kind, timeline::Timeline};
use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;
use uuid::Uuid;

/// Something that must not happen.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Violation {
    /// The rule that is broken, in a word.
    pub rule: String,
    /// Where and how it happened.
    pub detail: String,
}

/// Takes down what is said.
pub(super) struct Witness {
    began: Instant,
    testimony: Mutex<Testimony>,
}

/// Everything that was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Testimony {
    /// 201: the seats are held.
    pub reserved: Vec<Uuid>,
    /// 200 or 201: a booking, by its reservation.
    pub booked: Vec<(Uuid, Uuid)>,
    /// 204: the reservation is given back.
    pub cancelled: Vec<Uuid>,
    /// The booking is given back.
    pub given_back: Vec<Uuid>,
    /// 402 because a card was declined, by the reservation.
    pub declined: Vec<Uuid>,
    /// Somebody paid once more in another tab, by the reservation. Nobody told us: it is what we know of them.
    pub paid_again: Vec<Uuid>,
    /// How journeys ended.
    pub ends: BTreeMap<(Kind, &'static str), usize>,
    pub violations: Vec<Violation>,
}

impl Witness {
    /// One who counts time as this timeline does.
    pub fn with(timeline: &Timeline) -> Self {
        Self { began: timeline.began(), testimony: Mutex::default() }
    }

    /// Seen now.
    pub fn violation(&self, rule: &str, detail: impl Display) {
        let detail = format!("at {:.3} s: {detail}", self.began.elapsed().as_secs_f64());
        self.lock().violations.push(Violation { rule: rule.to_owned(), detail });
    }

    /// A customer's journey is over.
    pub fn ended(&self, kind: Kind, how: &'static str) {
        *self.lock().ends.entry((kind, how)).or_default() += 1;
    }

    pub fn record(&self, note: impl FnOnce(&mut Testimony)) {
        note(&mut self.lock());
    }

    /// Everything until now.
    pub fn testify(&self) -> Testimony {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Testimony> {
        self.testimony.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Testimony {
    /// How many journeys of these kinds ended so.
    pub fn ended(&self, is_meant: impl Fn(Kind) -> bool, how: &str) -> usize {
        self.ends
            .iter()
            .filter(|((kind, end), _)| is_meant(*kind) && *end == how)
            .map(|(_, count)| count)
            .sum()
    }
}

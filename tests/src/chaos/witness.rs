//! What clients were told, kept apart from the system that told them.

use super::plan::Kind;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// Something that must not be.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Violation {
    /// The rule that is broken, in a word.
    pub rule: String,
    /// Where, and how.
    pub detail: String,
}

/// Takes down what is said.
#[derive(Default)]
pub(super) struct Witness(Mutex<Told>);

/// Everything that was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
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
    /// How journeys ended.
    pub ends: BTreeMap<(Kind, &'static str), usize>,
    pub violations: Vec<Violation>,
}

impl Witness {
    pub fn violation(&self, rule: &str, detail: impl Into<String>) {
        self.lock().violations.push(Violation { rule: rule.to_owned(), detail: detail.into() });
    }

    /// A customer's journey is over.
    pub fn ended(&self, kind: Kind, how: &'static str) {
        *self.lock().ends.entry((kind, how)).or_default() += 1;
    }

    pub fn told(&self, take: impl FnOnce(&mut Told)) {
        take(&mut self.lock());
    }

    /// Everything until now.
    pub fn testify(&self) -> Told {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// How many journeys of these kinds ended so.
    pub fn ended(&self, is_meant: impl Fn(Kind) -> bool, how: &str) -> usize {
        self.ends
            .iter()
            .filter(|((kind, end), _)| is_meant(*kind) && *end == how)
            .map(|(_, count)| count)
            .sum()
    }
}

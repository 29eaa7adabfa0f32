//! A batch that is to be made, and what it would be.

use crate::{by::By, filter::Filter, listed::Listed};
use orchestrator::{Stake, tools::Action};
use serde::Serialize;

/// What is to be done to which sagas.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Which sagas: those that match when it is made.
    pub filter: Filter,
    /// What is done to each.
    pub action: Action,
    /// Who wants it, and why.
    pub by: By,
    /// How many sagas go first.
    pub canary: u32,
    /// It stops if a larger share of a round comes to a bad end.
    pub stop_at_error_rate: f64,
}

impl NewBatch {
    /// With five that go first, stopping when more than one in five comes to a bad end.
    pub fn new(filter: Filter, action: Action, by: By) -> Self {
        Self { filter, action, by, canary: 5, stop_at_error_rate: 0.2 }
    }
}

/// What a batch would do.
#[derive(Clone, Debug, Serialize)]
pub struct BatchPreview {
    /// How many sagas match, or [`ITEMS_MAX`].
    pub count: i64,
    /// Whether more match.
    pub capped: bool,
    /// Some of them.
    pub sample: Vec<Listed>,
    /// What is at stake in all that are counted.
    pub stakes: Vec<Stake>,
    /// Whether a second person must agree.
    pub second_person: bool,
}

/// The most sagas of one batch: what a ramp gets through within hours.
pub const ITEMS_MAX: i64 = 100_000;

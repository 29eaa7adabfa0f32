//! A new batch, and its preview.

use crate::{by::By, filter::Filter, listed::Listed};
use orchestrator::{Stake, tools::Action};
use serde::Serialize;

/// The action of a new batch, and its sagas.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// The filter: the batch takes the sagas that match when it is made.
    pub filter: Filter,
    /// What is done to each.
    pub action: Action,
    /// Who asks for it, and why.
    pub by: By,
    /// How many sagas go first.
    pub canary: u32,
    /// The batch stops if a larger share of a round ends badly, from 0 to 1.
    pub stop_at_error_rate: f64,
}

impl NewBatch {
    /// A batch in which five sagas go first, and which stops if more than one in five ends badly.
    pub fn new(filter: Filter, action: Action, by: By) -> Self {
        Self { filter, action, by, canary: 5, stop_at_error_rate: 0.2 }
    }
}

/// The preview of a batch.
#[derive(Clone, Debug, Serialize)]
pub struct BatchPreview {
    /// How many sagas match, or [`ITEMS_MAX`].
    pub count: i64,
    /// Whether more match.
    pub capped: bool,
    /// Some of the sagas that match.
    pub sample: Vec<Listed>,
    /// What is at stake in all sagas that are counted.
    pub stakes: Vec<Stake>,
    /// Whether a second person must agree.
    pub second_person: bool,
}

/// The most sagas of one batch: as many as a ramp can do within hours.
pub const ITEMS_MAX: i64 = 100_000;

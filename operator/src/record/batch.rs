//! A batch, as it is stored.

use super::batch_item::Results;
use crate::filter::Filter;
use chrono::{DateTime, Utc};
use orchestrator::{Bucket, Stake, tools::Action};
use serde::Serialize;
use std::{fmt, str::FromStr};

orchestrator::bucketed_id! {
    /// An action on many sagas. Its bucket has nothing to do with theirs.
    BatchId
}

impl BatchId {
    /// A new id in a random bucket.
    pub fn random() -> Self {
        Self::new_in(Bucket::random())
    }
}

/// A batch.
#[derive(Clone, Debug, Serialize)]
pub struct Batch {
    /// The batch's id.
    pub id: BatchId,
    /// Its state.
    pub state: BatchState,
    /// Why it stopped, was paused or was cancelled.
    pub why: Option<String>,
    /// The filter that chose the sagas.
    pub filter: Filter,
    /// What is done to each.
    pub action: Action,
    /// Who asked for it.
    pub actor: String,
    /// Why it was asked for.
    pub reason: String,
    /// Who agreed, if a second person was needed.
    pub consented_by: Option<String>,
    /// The time until which somebody can agree.
    pub consent_until: Option<DateTime<Utc>>,
    /// What was at stake when it was made.
    pub stakes: Vec<Stake>,
    /// How many sagas go first.
    pub canary: i32,
    /// The batch stops if a larger share of a round ends badly, from 0 to 1.
    pub stop_at_error_rate: f64,
    /// How many sagas it has.
    pub items: i32,
    /// Whether more sagas matched than one batch takes.
    pub capped: bool,
    /// The number of sagas with each result.
    pub results: Results,
    /// The number of the present round, from 1.
    pub round: i32,
    /// The node that worked on it last.
    pub node: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// The state of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// It moves more money than one person may move alone, and waits for a second person.
    AwaitingConsent,
    /// The first few sagas are being done.
    Canary,
    /// Rounds that grow are being done.
    Ramping,
    /// Somebody paused it.
    Paused,
    /// It stopped by itself.
    Stopped,
    /// Somebody ended it.
    Cancelled,
    /// Every item has its result.
    Done,
}

impl BatchState {
    const ALL: [Self; 7] = [
        Self::AwaitingConsent,
        Self::Canary,
        Self::Ramping,
        Self::Paused,
        Self::Stopped,
        Self::Cancelled,
        Self::Done,
    ];

    /// The word in the `state` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingConsent => "awaiting_consent",
            Self::Canary => "canary",
            Self::Ramping => "ramping",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Done => "done",
        }
    }

    /// Whether nodes work on it.
    pub fn under_way(self) -> bool {
        matches!(self, Self::Canary | Self::Ramping)
    }

    /// Whether it has ended for good.
    pub fn over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Done)
    }
}

impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for BatchState {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is not a state of a batch"))
    }
}

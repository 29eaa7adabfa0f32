//! Batches: one action on many sagas, carefully and for sure.
//!
//! The picture: somebody with a list on a clipboard. The list is written once, when the batch is made. A few sagas go
//! first, the *canary*; what came of each is waited for. Only if that was good, more are taken, in rounds that grow.
//! Each round's results stand before the next begins, so what can go wrong is one round. The list lies in the
//! database: whoever holds the batch's lease works it off, and when they drop it, another node goes on.
//!
//! | file | what |
//! |---|---|
//! | `start` | what a batch would do, and making one |
//! | `steer` | pause, resume, cancel, agree |
//! | `rounds` | how it goes on after a round; pure |
//! | `verdict` | what came of an item; pure |
//! | `act` | one item: the action in its saga's transaction, once a batch whatever crashes |
//! | `work` | one batch under a lease |
//! | `runner` | finding batches to work on |
//!
//! No transaction has more than one saga in it, and none has a saga and the list: an item is acted on first and noted
//! later. The row in the audit that is written with the action names the batch; whoever comes back to an item that is
//! not noted looks for that row under the saga's lock.

mod act;
mod rounds;
mod runner;
mod start;
mod steer;
mod verdict;
mod work;

pub(crate) use rounds::Tally;
pub(crate) use runner::run;

use super::{By, Filter, Listed};
use crate::{
    id::{Bucket, SagaId},
    record::{Action, Stake},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{fmt, str::FromStr};

crate::bucketed_id! {
    /// An action on many sagas. Its bucket has nothing to do with theirs.
    BatchId
}

impl BatchId {
    /// A new id, in any bucket.
    pub fn random() -> Self {
        Self::new_in(Bucket::random())
    }
}

/// What is to be done to which sagas.
#[derive(Clone, Debug)]
pub struct NewBatch {
    /// Which sagas: those that match when it is made.
    pub filter: Filter,
    /// What is done to each.
    pub action: Action,
    /// Who wants it, and why.
    pub by: By,
    /// How many go first.
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

/// A batch.
#[derive(Clone, Debug, Serialize)]
pub struct Batch {
    /// Which batch.
    pub id: BatchId,
    /// How far it is.
    pub state: BatchState,
    /// Why it stopped, was paused, or cancelled.
    pub why: Option<String>,
    /// Which sagas were meant.
    pub filter: Filter,
    /// What is done to each.
    pub action: Action,
    /// Who wants it.
    pub actor: String,
    /// And why.
    pub reason: String,
    /// Who agreed, where that was needed.
    pub consented_by: Option<String>,
    /// Until when somebody can agree.
    pub consent_until: Option<DateTime<Utc>>,
    /// What was at stake when it was made.
    pub stakes: Vec<Stake>,
    /// How many go first.
    pub canary: i32,
    /// It stops if a larger share of a round comes to a bad end.
    pub stop_at_error_rate: f64,
    /// How many sagas it has.
    pub items: i32,
    /// Whether more matched than one batch takes.
    pub capped: bool,
    /// How many have which result.
    pub results: Results,
    /// The number of the round that is under way, from 1.
    pub round: i32,
    /// The node that worked on it last.
    pub node: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When something was noted last.
    pub updated_at: DateTime<Utc>,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// It moves more money than one person may, and waits for a second.
    AwaitingConsent,
    /// The first few.
    Canary,
    /// Rounds that grow.
    Ramping,
    /// Somebody stopped it for a while.
    Paused,
    /// It stopped by itself.
    Stopped,
    /// Somebody ended it.
    Cancelled,
    /// Every item has its result.
    Done,
}

/// What came of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemResult {
    /// Nothing was done yet.
    Waiting,
    /// It was acted on, and nobody has seen what came of that: not yet, or not within the time that is waited.
    Acted,
    /// It went on.
    Mended,
    /// It was acted on, and needs a person again.
    StuckAgain,
    /// Its state did not allow it: nothing was done.
    Refused,
    /// It could not be done: nothing was.
    Failed,
}

/// Items by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Results {
    /// See [`ItemResult`].
    pub waiting: i32,
    /// See [`ItemResult`].
    pub acted: i32,
    /// See [`ItemResult`].
    pub mended: i32,
    /// See [`ItemResult`].
    pub stuck_again: i32,
    /// See [`ItemResult`].
    pub refused: i32,
    /// See [`ItemResult`].
    pub failed: i32,
}

/// One saga of a batch.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BatchItem {
    /// Its place, from 1.
    pub number: i32,
    /// Which saga.
    pub saga: SagaId,
    /// What came of it.
    pub result: ItemResult,
    /// Why, where that says more.
    pub why: Option<String>,
    /// When it was acted on.
    pub acted_at: Option<DateTime<Utc>>,
    /// When nothing more was waited for.
    pub settled_at: Option<DateTime<Utc>>,
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

    /// Whether nothing more becomes of it.
    pub fn over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Done)
    }
}

impl ItemResult {
    const ALL: [Self; 6] =
        [Self::Waiting, Self::Acted, Self::Mended, Self::StuckAgain, Self::Refused, Self::Failed];

    /// The word in the `result` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Acted => "acted",
            Self::Mended => "mended",
            Self::StuckAgain => "stuck_again",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
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

impl fmt::Display for ItemResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ItemResult {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|result| result.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is not a result of a batch's item"))
    }
}

//! The sagas of a batch, and what came of them, as they are stored.

use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde::Serialize;
use std::{fmt, str::FromStr};

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

/// A round's items by result; all have settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub acted: i32,
    pub mended: i32,
    pub stuck_again: i32,
    pub refused: i32,
    pub failed: i32,
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

impl Tally {
    /// Counts items with this result.
    pub fn count(&mut self, result: ItemResult, items: i32) {
        match result {
            ItemResult::Waiting => {}
            ItemResult::Acted => self.acted += items,
            ItemResult::Mended => self.mended += items,
            ItemResult::StuckAgain => self.stuck_again += items,
            ItemResult::Refused => self.refused += items,
            ItemResult::Failed => self.failed += items,
        }
    }

    /// All of them.
    pub fn total(self) -> i32 {
        self.acted + self.mended + self.stuck_again + self.refused + self.failed
    }
}

//! The sagas of a batch and their results, as they are stored.

use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// The result of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemResult {
    /// Nothing was done yet.
    Waiting,
    /// The action was done, and its result is not known: not yet, or not within the time that a batch waits.
    Acted,
    /// The saga went on after the action.
    Mended,
    /// The action was done, and the saga needs a person again.
    StuckAgain,
    /// The saga's state did not allow the action: nothing was done.
    Refused,
    /// The action failed: nothing was done.
    Failed,
}

/// The number of items with each result.
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
    /// Its number in the batch, from 1.
    pub number: i32,
    /// The saga's id.
    pub saga: SagaId,
    /// Its result.
    pub result: ItemResult,
    /// Why it has this result, if there is more to say.
    pub why: Option<String>,
    /// When the action was done.
    pub acted_at: Option<DateTime<Utc>>,
    /// When its result was final.
    pub settled_at: Option<DateTime<Utc>>,
}

/// The results of a round whose items have all settled.
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

    /// The number of all items.
    pub fn total(self) -> i32 {
        self.acted + self.mended + self.stuck_again + self.refused + self.failed
    }
}

//! The append-only record of a saga, and what it means.
//!
//! A journal is written once a stretch and never changed. [`Entry`] is one thing that happened; [`History`] is the
//! fold of all of them: which of the workflow's requests are answered, and what is left to undo.

mod difference;
mod entry;
mod history;
mod unreadable;

pub(crate) use difference::difference;
pub use entry::{Entry, Json, Outcome, Recall};
pub use history::{Answer, Ask, History, What};
pub(crate) use unreadable::Unreadable;

use serde::{Deserialize, Serialize};
use std::fmt;

/// The index of an entry in its saga's journal. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub(crate) i32);

impl From<i32> for Position {
    fn from(index: i32) -> Self {
        Self(index)
    }
}

impl Position {
    /// The index as a number, from 0.
    pub fn index(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

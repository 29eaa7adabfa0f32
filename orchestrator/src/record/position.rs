//! The position of an entry in its journal.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The index of an entry in its saga's journal. It is never reused.
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

//! The states of a saga, as the `state` column names them.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The states of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A call is out, or the next stretch is about to begin.
    Running,
    /// It waits for a signal, a timer or a retry.
    Waiting,
    /// It unwinds: compensations are running or waiting for a retry.
    Unwinding,
    /// The workflow returned. At rest.
    Completed,
    /// It has unwound and owes nothing. At rest.
    Unwound,
    /// It needs a person, or a later retry.
    Stuck,
}

impl State {
    /// The word in the `state` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Unwinding => "unwinding",
            Self::Completed => "completed",
            Self::Unwound => "unwound",
            Self::Stuck => "stuck",
        }
    }

    /// Whether the saga is over and owes nothing.
    pub fn at_rest(self) -> bool {
        matches!(self, Self::Completed | Self::Unwound)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Running, Self::Waiting, Self::Unwinding, Self::Completed, Self::Unwound, Self::Stuck]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a state of a saga"))
    }
}

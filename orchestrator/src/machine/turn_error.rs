//! Why a batch did not commit, and whether its connection can be used again.

use crate::{
    database_fault::{DatabaseFault, sqlstate},
    signs::Doing,
};
use std::time::Duration;

/// Why a batch did not commit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnError {
    /// There was a conflict with somebody else: the whole batch is repeated.
    #[error("the database asks to repeat the batch")]
    Repeat(#[source] sqlx::Error),
    /// The connection is lost or useless. Nothing was committed.
    #[error("the database can't be reached")]
    Lost(#[source] sqlx::Error),
    /// A statement failed before, and a step has hidden that.
    #[error("a step hides an error of the database")]
    Aborted,
    /// The lane hung.
    #[error("the batch made no progress for {0:?}")]
    Silent(Duration, Doing),
    /// Something in the batch makes it fail.
    #[error("the batch failed: {0}")]
    Halve(String),
    /// A row was not as it was when it was locked.
    #[error("only {written} of {of} locked rows could be written")]
    Fenced { written: u64, of: u64 },
    /// A test let the lane die here.
    #[error("crash at {0}")]
    Crash(&'static str),
}

impl From<sqlx::Error> for TurnError {
    fn from(error: sqlx::Error) -> Self {
        match DatabaseFault::of(&error) {
            DatabaseFault::Conflict => Self::Repeat(error),
            DatabaseFault::Unavailable => Self::Lost(error),
            DatabaseFault::Statement if sqlstate(&error).as_deref() == Some("25P02") => Self::Aborted,
            DatabaseFault::Statement => Self::Halve(error.to_string()),
        }
    }
}

impl TurnError {
    /// The error with its source, because the message alone says only what is done about it.
    pub fn with_source(&self) -> String {
        match self {
            Self::Repeat(source) | Self::Lost(source) => format!("{self}: {source}"),
            Self::Aborted | Self::Silent(..) | Self::Halve(_) | Self::Fenced { .. } | Self::Crash(_) => {
                self.to_string()
            }
        }
    }
}

//! An attempt that failed without an entry, for people.

use super::Position;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// An attempt at a step or its compensation that failed without an entry.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// The position where the step began, or would have begun.
    pub position: Position,
    /// Whether it was an attempt at the compensation.
    pub undo: bool,
    /// The number of the attempt since the last entry, from 1.
    pub number: i32,
    /// The epoch of the claim that it was made under.
    pub epoch: i64,
    /// The node that made it.
    pub node: String,
    /// When it began.
    pub began_at: DateTime<Utc>,
    /// When its result was recorded.
    pub ended_at: DateTime<Utc>,
    /// The error.
    pub error: String,
    /// The other side's code for the error.
    pub code: Option<String>,
    /// Whether it may have succeeded all the same.
    pub in_doubt: bool,
}

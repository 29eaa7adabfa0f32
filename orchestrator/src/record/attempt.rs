//! An attempt that ended without an entry, as people see it.

use super::Position;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// An attempt that ended without an entry, at a step or at its compensation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// Where the step began, or would have.
    pub position: Position,
    /// Whether its compensation was tried.
    pub undo: bool,
    /// Which attempt since the last entry, from 1.
    pub number: i32,
    /// The claim that it was made under.
    pub epoch: i64,
    /// The node that made it.
    pub node: String,
    /// When it was handed out.
    pub began_at: DateTime<Utc>,
    /// When what came of it was written down.
    pub ended_at: DateTime<Utc>,
    /// What it said.
    pub error: String,
    /// The other side's code for that.
    pub code: Option<String>,
    /// Whether it may have been done all the same.
    pub in_doubt: bool,
}

//! Attempts that came to nothing, as they are told to the outside.

use chrono::{DateTime, Utc};
use operator::Attempt;
use serde::Serialize;
use utoipa::ToSchema;

/// An attempt that ended without an entry, at a step or at its compensation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaAttempt)]
pub struct AttemptView {
    /// Where the step began, or would have.
    pub position: i32,
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

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let Attempt { position, undo, number, epoch, node, began_at, ended_at, error, code, in_doubt } =
            attempt;
        Self {
            position: position.index(),
            undo,
            number,
            epoch,
            node,
            began_at,
            ended_at,
            error,
            code,
            in_doubt,
        }
    }
}

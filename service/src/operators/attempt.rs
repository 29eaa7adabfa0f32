//! The view of attempts that failed.

use chrono::{DateTime, Utc};
use operator::Attempt;
use serde::Serialize;
use utoipa::ToSchema;

/// An attempt that ended without an entry, at a step or at its compensation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaAttempt)]
pub struct AttemptView {
    /// The position where the step began, or would have begun.
    pub position: i32,
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

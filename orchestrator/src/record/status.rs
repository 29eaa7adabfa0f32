//! A saga's row for people and handles.

use super::{Stake, State, StuckCause, Trouble};
use crate::id::SagaId;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A saga's row as anybody may see it.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The saga's id.
    pub id: SagaId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's version.
    pub version: i32,
    /// Its state.
    pub state: State,
    /// When a lane must look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether a call is out.
    pub leased: bool,
    /// Whether it is leased and nothing was written to it for longer than the longest call and a lease: perhaps no call is out.
    pub silent: bool,
    /// The epoch: how often it was claimed.
    pub epoch: i64,
    /// The number of entries in its journal.
    pub journal_len: i32,
    /// How often its present step or compensation was tried.
    pub attempts: i32,
    /// The error of the last failed attempt.
    pub last_error: Option<String>,
    /// The other side's code for that error, if it gave one.
    pub code: Option<String>,
    /// When the next attempt is due.
    pub retry_at: Option<DateTime<Utc>>,
    /// The step or signal that it is at; `sleep` for a sleep. `None` if it is at rest, or if the node that wrote it doesn't say.
    pub step: Option<String>,
    /// What is wrong with it besides its state.
    pub trouble: Option<Trouble>,
    /// When it got into trouble or became stuck.
    pub troubled_at: Option<DateTime<Utc>>,
    /// What is at stake while something is wrong.
    pub stakes: Vec<Stake>,
    /// Whether somebody paused it.
    pub paused: bool,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Why it was paused.
    pub paused_why: Option<String>,
    /// The cause that it shares with other sagas that failed for the same reason.
    pub cause: Option<String>,
    /// The hash of the cause, in hexadecimal.
    pub fingerprint: Option<String>,
    /// When it became stuck.
    pub first_stuck_at: Option<DateTime<Utc>>,
    /// Why a person is needed.
    pub stuck: Option<StuckCause>,
    /// The node that wrote it last.
    pub node: Option<String>,
    /// The key that it was started under.
    pub start_key: Option<String>,
    /// W3C traceparent of the request that started it.
    pub trace: Option<String>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
}

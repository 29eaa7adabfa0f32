//! A saga's row as people and handles see it.

use super::{Stake, State, StuckCause, Trouble};
use crate::id::SagaId;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// A saga's row as anybody may see it.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Which saga.
    pub id: SagaId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's version.
    pub version: i32,
    /// Its state.
    pub state: State,
    /// The next time that someone must look at it.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether a call is out.
    pub leased: bool,
    /// Whether it is leased and was not written for longer than the longest call and a lease: nothing may be behind that lease.
    pub silent: bool,
    /// How often it was claimed.
    pub epoch: i64,
    /// How many entries its journal has.
    pub journal_len: i32,
    /// Attempts at what is being tried.
    pub attempts: i32,
    /// What the last failed attempt said.
    pub last_error: Option<String>,
    /// The other side's code for it, if it gave one.
    pub code: Option<String>,
    /// When the next attempt is due.
    pub retry_at: Option<DateTime<Utc>>,
    /// The step or signal that it is at; a sleep is `sleep`. None where it is at rest, or a node wrote it that doesn't say.
    pub step: Option<String>,
    /// What is wrong with it besides its state.
    pub trouble: Option<Trouble>,
    /// Since when something is wrong, or it is stuck.
    pub troubled_at: Option<DateTime<Utc>>,
    /// What is at stake while something is wrong.
    pub stakes: Vec<Stake>,
    /// Whether somebody stopped it.
    pub paused: bool,
    /// Who did.
    pub paused_by: Option<String>,
    /// And why.
    pub paused_why: Option<String>,
    /// What it has in common with others that have failed for the same reason.
    pub cause: Option<String>,
    /// The same, hashed: hexadecimal.
    pub fingerprint: Option<String>,
    /// Since when it is stuck.
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

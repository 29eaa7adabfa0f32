//! A saga in a list, and sagas with a cause in common.

use crate::why::Why;
use chrono::{DateTime, Utc};
use orchestrator::{
    SagaId, Stake, State,
    tools::{ActionKind, Trouble},
};
use serde::Serialize;

/// A saga in a list.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Which saga.
    pub id: SagaId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's version.
    pub version: i32,
    /// Its state.
    pub state: State,
    /// The step or signal that it is at.
    pub step: Option<String>,
    /// Why it is where it is.
    pub why: Why,
    /// The same in one line, with times as they are seen from now.
    pub line: String,
    /// What it has in common with others, in words.
    pub cause: Option<String>,
    /// The same, hashed: [`Filter::cause`](crate::Filter::cause).
    pub fingerprint: Option<String>,
    /// The first that fits of: what failed, stuck, paused, overdue, silent. Its state says besides whether it is stuck.
    pub trouble: Option<Trouble>,
    /// What is at stake while something is wrong.
    pub stakes: Vec<Stake>,
    /// Attempts at what is being tried.
    pub attempts: i32,
    /// When somebody must look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether somebody stopped it.
    pub paused: bool,
    /// The node that wrote it last.
    pub node: Option<String>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
    /// Since when it is stuck.
    pub first_stuck_at: Option<DateTime<Utc>>,
    /// Its version, for [`Expected`](crate::Expected).
    pub etag: String,
}

/// Sagas that have their cause in common.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The cause, hashed: [`Filter::cause`](crate::Filter::cause). Of sagas that are only overdue or paused it finds them together with that.
    pub fingerprint: String,
    /// In words.
    pub cause: String,
    /// The step or signal that they are at.
    pub step: Option<String>,
    /// Their workflow.
    pub workflow: String,
    /// How many.
    pub count: i64,
    /// There are more sagas than were counted.
    pub capped: bool,
    /// Since when the first of them is in trouble.
    pub first_seen: DateTime<Utc>,
    /// When one of them was written last.
    pub last_seen: DateTime<Utc>,
    /// What is at stake, summed.
    pub stakes: Vec<Stake>,
    /// The name of the action to try first.
    pub suggested: ActionKind,
    /// Why that, in one sentence.
    pub suggestion: &'static str,
}

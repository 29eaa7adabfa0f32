//! A saga in a list, and groups of sagas with one cause.

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
    /// The saga's id.
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
    /// The same in one line, with times relative to now.
    pub line: String,
    /// The cause that it shares with other sagas, in words.
    pub cause: Option<String>,
    /// The hash of the cause, for [`Filter::cause`](crate::Filter::cause).
    pub fingerprint: Option<String>,
    /// The first one that applies: what failed, stuck, paused, overdue, silent. The state also says whether it is stuck.
    pub trouble: Option<Trouble>,
    /// What is at stake while something is wrong.
    pub stakes: Vec<Stake>,
    /// How often its present step or compensation was tried.
    pub attempts: i32,
    /// When a lane looks at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether somebody paused it.
    pub paused: bool,
    /// The node that wrote it last.
    pub node: Option<String>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
    /// When it became stuck.
    pub first_stuck_at: Option<DateTime<Utc>>,
    /// Its version, for [`Expected`](crate::Expected).
    pub etag: String,
}

/// Sagas with the same cause.
#[derive(Clone, Debug, Serialize)]
pub struct Group {
    /// The hash of the cause, for [`Filter::cause`](crate::Filter::cause). For sagas that are only overdue or paused the filter
    /// needs that work-list too.
    pub fingerprint: String,
    /// The cause in words.
    pub cause: String,
    /// The step or signal that they are at.
    pub step: Option<String>,
    /// The name of their workflow.
    pub workflow: String,
    /// The number of sagas that were counted.
    pub count: i64,
    /// Whether there are more sagas than were counted.
    pub capped: bool,
    /// When the first of them got into trouble.
    pub first_seen: DateTime<Utc>,
    /// When one of them was written last.
    pub last_seen: DateTime<Utc>,
    /// The sum of what is at stake.
    pub stakes: Vec<Stake>,
    /// The name of the action to try first.
    pub suggested: ActionKind,
    /// Why that action is right, in one sentence.
    pub suggestion: &'static str,
}

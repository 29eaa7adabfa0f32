//! The views of sagas in lists, and of groups of sagas with one cause.

use chrono::{DateTime, Utc};
use operator::{Group, Listed};
use orchestrator::Stake;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A saga in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ListedSaga)]
pub struct ListedView {
    /// The saga's id.
    pub id: Uuid,
    /// The name of its workflow.
    pub workflow: String,
    /// The version of its workflow.
    pub version: i32,
    /// `running`, `waiting`, `unwinding`, `completed`, `unwound` or `stuck`.
    pub state: String,
    /// The step or signal that it is at.
    pub step: Option<String>,
    /// Why it is where it is, for people.
    pub line: String,
    /// The same for programs: `why` names the kind, the rest depends on it.
    #[schema(value_type = Object)]
    pub why: Value,
    /// The work-list that it is on first: `stuck`, `in_doubt`, `owed`, `retrying`, `overdue`, `silent` or `paused`.
    pub trouble: Option<String>,
    /// The cause that it shares with other sagas, in words.
    pub cause: Option<String>,
    /// The hash of the cause, for `cause=` and the groups.
    pub fingerprint: Option<String>,
    /// What is at stake while something is wrong.
    #[schema(value_type = Vec<Object>)]
    pub stakes: Vec<Stake>,
    /// How often its present step or compensation was tried.
    pub attempts: i32,
    /// When a lane looks at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether an operator paused it.
    pub paused: bool,
    /// The node that wrote it last.
    pub node: Option<String>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
    /// When it became stuck.
    pub first_stuck_at: Option<DateTime<Utc>>,
    /// Its version, for `If-Match`.
    pub etag: String,
}

/// Sagas that have the same cause.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaGroup)]
pub struct GroupView {
    /// The hash of the cause; `cause=` lists the sagas.
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
    #[schema(value_type = Vec<Object>)]
    pub stakes: Vec<Stake>,
    /// The name of the action to try first.
    pub suggested: &'static str,
    /// Why that action is right, in a sentence.
    pub suggestion: &'static str,
}

impl From<Listed> for ListedView {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id.uuid(),
            workflow: listed.workflow,
            version: listed.version,
            state: listed.state.to_string(),
            step: listed.step,
            line: listed.line,
            why: serde_json::to_value(&listed.why).unwrap_or_default(),
            trouble: listed.trouble.map(|trouble| trouble.to_string()),
            cause: listed.cause,
            fingerprint: listed.fingerprint,
            stakes: listed.stakes,
            attempts: listed.attempts,
            due_at: listed.due_at,
            paused: listed.paused,
            node: listed.node,
            created_at: listed.created_at,
            updated_at: listed.updated_at,
            first_stuck_at: listed.first_stuck_at,
            etag: listed.etag,
        }
    }
}

impl From<Group> for GroupView {
    fn from(group: Group) -> Self {
        let Group {
            fingerprint,
            cause,
            step,
            workflow,
            count,
            capped,
            first_seen,
            last_seen,
            stakes,
            suggested,
            suggestion,
        } = group;
        Self {
            fingerprint,
            cause,
            step,
            workflow,
            count,
            capped,
            first_seen,
            last_seen,
            stakes,
            suggested: suggested.name(),
            suggestion,
        }
    }
}

//! What was done to a saga, as the audit keeps it.

use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// One thing done to a saga besides its own course.
#[derive(Clone, Debug, Serialize)]
pub struct Audited {
    /// The row's id: in order of time.
    pub id: Uuid,
    /// To which saga.
    pub saga: SagaId,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom; `engine` where nobody did.
    pub actor: String,
    /// What.
    pub action: String,
    /// Why.
    pub reason: String,
    /// What the action found or changed.
    pub detail: Value,
    /// Its place in the chain of its bucket, if it has one.
    pub seq: Option<i64>,
}

/// Which rows. What is not given does not matter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which<'a> {
    /// Of this saga.
    pub saga: Option<SagaId>,
    /// By this actor.
    pub actor: Option<&'a str>,
    /// Of this action.
    pub action: Option<&'a str>,
}

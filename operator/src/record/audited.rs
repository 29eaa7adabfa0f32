//! What was done to a saga, as the audit keeps it.

use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// One action on a saga besides its own course.
#[derive(Clone, Debug, Serialize)]
pub struct Audited {
    /// The row's id. Ids are in order of time.
    pub id: Uuid,
    /// The saga that it was done to, or the batch.
    pub saga: SagaId,
    /// When it was done, by the database's clock.
    pub at: DateTime<Utc>,
    /// Who did it; `engine` if it was no person.
    pub actor: String,
    /// The name of the action.
    pub action: String,
    /// Why it was done.
    pub reason: String,
    /// What the action found or changed.
    pub detail: Value,
    /// Its place in the chain of its bucket, if it has one.
    pub seq: Option<i64>,
}

/// A filter of rows. A field that is not given matches every row.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which<'a> {
    /// Only rows about this saga.
    pub saga: Option<SagaId>,
    /// Only rows by this actor.
    pub actor: Option<&'a str>,
    /// Only rows of this action.
    pub action: Option<&'a str>,
}

//! The view of the audit.

use chrono::{DateTime, Utc};
use operator::audit::Audited;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// One action on a saga besides its own course.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditRow)]
pub struct AuditView {
    /// The row's id.
    pub id: Uuid,
    /// The saga that it was done to, or the batch.
    pub saga: Uuid,
    /// When it was done, by the database's clock.
    pub at: DateTime<Utc>,
    /// Who did it; `engine` where nobody did.
    pub actor: String,
    /// The name of what was done.
    pub action: String,
    /// Why it was done.
    pub reason: String,
    /// What the action found or changed.
    pub detail: Value,
    /// Its place in the chain of its bucket; null if it was written before there were chains.
    pub seq: Option<i64>,
}

impl From<Audited> for AuditView {
    fn from(row: Audited) -> Self {
        let Audited { id, saga, at, actor, action, reason, detail, seq } = row;
        Self { id, saga: saga.uuid(), at, actor, action, reason, detail, seq }
    }
}

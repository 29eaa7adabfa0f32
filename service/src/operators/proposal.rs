//! The view of actions that wait for a second person.

use chrono::{DateTime, Utc};
use operator::{Action, Proposal};
use orchestrator::Stake;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// An action that one person wants and another must agree to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Proposal)]
pub struct ProposalView {
    /// The proposal's id.
    pub id: Uuid,
    /// The saga that it is done to.
    pub saga: Uuid,
    /// The name of the action.
    #[schema(example = "write_off")]
    pub action: &'static str,
    /// The action with its parameters, as the journal will record it.
    pub wish: Value,
    /// Who asked for it.
    pub actor: String,
    /// Why it was asked for.
    pub reason: String,
    /// The version of the saga that the person saw.
    pub etag: String,
    /// The hash of the plan that the person saw. Exactly that is done, or nothing.
    pub plan_hash: String,
    /// The money that it moves.
    #[schema(value_type = Vec<Object>)]
    pub money: Vec<Stake>,
    /// `open`, `outdated`, `consented`, `declined` or `expired`.
    pub state: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The time until which somebody can agree to it.
    pub expires_at: DateTime<Utc>,
    /// Who agreed or declined.
    pub decided_by: Option<String>,
    /// Why they agreed or declined.
    pub decided_why: Option<String>,
    /// When they agreed or declined.
    pub decided_at: Option<DateTime<Utc>>,
}

impl From<Proposal> for ProposalView {
    fn from(proposal: Proposal) -> Self {
        Self {
            id: proposal.id.uuid(),
            saga: proposal.saga.uuid(),
            action: proposal.action.name(),
            wish: wish(&proposal.action),
            actor: proposal.actor,
            reason: proposal.reason,
            etag: proposal.etag,
            plan_hash: proposal.plan_hash,
            money: proposal.money,
            state: proposal.state.to_string(),
            created_at: proposal.created_at,
            expires_at: proposal.expires_at,
            decided_by: proposal.decided_by,
            decided_why: proposal.decided_why,
            decided_at: proposal.decided_at,
        }
    }
}

/// An action with its parameters.
pub(super) fn wish(action: &Action) -> Value {
    serde_json::to_value(action).unwrap_or_default()
}

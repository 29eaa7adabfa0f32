//! An action that waits for a second person.

use crate::plan::Plan;
use chrono::{DateTime, TimeDelta, Utc};
use orchestrator::{SagaId, Stake, tools::Action};
use serde::Serialize;
use std::fmt;

orchestrator::bucketed_id! {
    /// The id of a proposal, in its saga's bucket.
    ProposalId
}

/// How long a proposal or a batch can be agreed to. After a day the person on call looks at it again.
pub(crate) const CONSENT_WITHIN: TimeDelta = TimeDelta::hours(24);

/// The result of a request.
#[derive(Clone, Debug)]
pub enum Requested {
    /// The action was done.
    Done(Plan),
    /// It waits for a second person.
    Proposed(Proposal),
}

/// An action that one person wants and another must agree to.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// The proposal's id.
    pub id: ProposalId,
    /// The saga that it is done to.
    pub saga: SagaId,
    /// The action.
    pub action: Action,
    /// Who proposed it.
    pub actor: String,
    /// Why they proposed it.
    pub reason: String,
    /// The version of the saga that the person saw.
    pub etag: String,
    /// The hash of the plan that the person saw.
    pub plan_hash: String,
    /// The money that the plan moves.
    pub money: Vec<Stake>,
    /// Its state: whether it can be agreed to.
    pub state: ProposalState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The time until which it can be agreed to.
    pub expires_at: DateTime<Utc>,
    /// Who agreed or declined.
    pub decided_by: Option<String>,
    /// Why they agreed or declined.
    pub decided_why: Option<String>,
    /// When it was closed.
    pub decided_at: Option<DateTime<Utc>>,
}

/// The state of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// It waits for a second person.
    Open,
    /// It is open, but its saga has changed, so nobody can agree to it now.
    Outdated,
    /// Somebody agreed, and it was done.
    Consented,
    /// Somebody declined it.
    Declined,
    /// Nobody decided in time.
    Expired,
}

impl fmt::Display for ProposalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Outdated => "outdated",
            Self::Consented => "consented",
            Self::Declined => "declined",
            Self::Expired => "expired",
        })
    }
}

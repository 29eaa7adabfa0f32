//! An action that waits for a second person.

use crate::plan::Plan;
use chrono::{DateTime, TimeDelta, Utc};
use orchestrator::{SagaId, Stake, tools::Action};
use serde::Serialize;
use std::fmt;

orchestrator::bucketed_id! {
    /// An action that waits for a second person; in its saga's bucket.
    ProposalId
}

/// How long a proposal, or a batch, can be agreed to: whoever is on call tomorrow looks at it anew.
pub(crate) const CONSENT_WITHIN: TimeDelta = TimeDelta::hours(24);

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Requested {
    /// It is done.
    Done(Plan),
    /// It waits for a second person.
    Proposed(Proposal),
}

/// An action that one person wants and another must agree to.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// Which proposal.
    pub id: ProposalId,
    /// What it is done to.
    pub saga: SagaId,
    /// What is done.
    pub action: Action,
    /// Who wants it.
    pub actor: String,
    /// And why.
    pub reason: String,
    /// The saga's version that was seen.
    pub etag: String,
    /// The hash of the plan that was seen.
    pub plan_hash: String,
    /// What the plan moves.
    pub money: Vec<Stake>,
    /// Whether it can be agreed to.
    pub state: ProposalState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it can be agreed to.
    pub expires_at: DateTime<Utc>,
    /// Who agreed or declined.
    pub decided_by: Option<String>,
    /// And why.
    pub decided_why: Option<String>,
    /// When it was closed.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Where a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// It waits for a second person.
    Open,
    /// It is open, and its saga has changed: nobody can agree to it as things are.
    Outdated,
    /// Somebody agreed, and it is done.
    Consented,
    /// Somebody said no.
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

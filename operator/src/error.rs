//! Why an operator's action was not done.

use crate::{
    plan::Plan,
    record::{BatchId, ProposalId, ProposalState},
};
use orchestrator::SagaId;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// There is no such saga.
    #[error("there is no saga {0}")]
    NotFound(SagaId),
    /// The actor or the reason is empty.
    #[error("an action needs an actor and a reason")]
    Anonymous,
    /// The saga's state does not allow it.
    #[error("`{action}` is not allowed: {why}")]
    NotAllowed {
        /// The name of the action.
        action: &'static str,
        /// Why it is not allowed.
        why: String,
        /// The names of the actions that are allowed.
        allowed: Vec<&'static str>,
    },
    /// The saga has changed since the operator looked at it.
    #[error("the saga has changed since you looked at it; its version is now {etag}")]
    Changed {
        /// The saga's version now.
        etag: String,
    },
    /// The saga has not changed, but the action would do something else now.
    #[error("the action would no longer do what its preview said")]
    PlanChanged(Box<Plan>),
    /// One person may not do this alone: it must be proposed.
    #[error("the action moves more money than one person may move alone; a second person must agree")]
    NeedsConsent(Box<Plan>),
    /// The person who asked for it can't agree to it.
    #[error("a second person must agree, and `{0}` is the first")]
    SamePerson(String),
    /// The proposal has been decided, or has expired.
    #[error("the proposal is {state}")]
    Closed {
        /// The proposal's state.
        state: ProposalState,
        /// Who decided.
        by: Option<String>,
    },
    /// There is no such proposal.
    #[error("there is no proposal {0}")]
    NoProposal(ProposalId),
    /// There is no such batch.
    #[error("there is no batch {0}")]
    NoBatch(BatchId),
    /// The database can't be reached, or refused.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The action could not be written.
    #[error("the action could not be written: {0}")]
    Failed(String),
}

impl OperatorError {
    /// A word for the error, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::Anonymous => "reason-missing",
            Self::NotAllowed { .. } => "action-not-allowed",
            Self::Changed { .. } => "precondition-failed",
            Self::PlanChanged(_) => "plan-changed",
            Self::NeedsConsent(_) => "consent-needed",
            Self::SamePerson(_) => "same-person",
            Self::Closed { .. } => "proposal-closed",
            Self::NoProposal(_) | Self::NoBatch(_) => "not-found",
            Self::Database(_) | Self::Failed(_) => "failed",
        }
    }
}

//! Why an operator's wish was not done.

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
    /// Actor and reason are asked for, always.
    #[error("an action needs an actor and a reason")]
    Anonymous,
    /// The saga's state does not allow it.
    #[error("`{action}` is not allowed: {why}")]
    NotAllowed {
        /// What was asked.
        action: &'static str,
        /// Why not.
        why: String,
        /// What is.
        allowed: Vec<&'static str>,
    },
    /// The saga moved since it was looked at.
    #[error("the saga has changed since it was looked at; its version is now {etag}")]
    Changed {
        /// Its version now.
        etag: String,
    },
    /// The saga is the same, and what the action does is not.
    #[error("the action would do something else now than its preview said")]
    PlanChanged(Box<Plan>),
    /// One person may not do this alone: propose it.
    #[error("the action moves more money than one person may move alone; a second must agree")]
    NeedsConsent(Box<Plan>),
    /// Whoever asked can't agree to it.
    #[error("a second person is needed, and `{0}` is the first")]
    SamePerson(String),
    /// The proposal is decided, or too old.
    #[error("the proposal is {state}")]
    Closed {
        /// Where it is.
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
    /// The database could not be asked, or refused.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// It could not be written.
    #[error("the action could not be written: {0}")]
    Failed(String),
}

impl OperatorError {
    /// A word for programs.
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

//! Why an operator's action was not done.

use super::{super::conditional::ETag, Problem, ProblemType};
use axum::http::header;
use operator::OperatorError;
use service::operators::{Invalid, REASON_MISSING};

/// A field whose value is not allowed.
impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::wrong_field(&format!("/{}", invalid.field), invalid.detail)
    }
}

impl From<OperatorError> for Problem {
    fn from(error: OperatorError) -> Self {
        match error {
            OperatorError::NotFound(_) => Self::not_found(),
            OperatorError::Anonymous => Self::wrong_field("/reason", REASON_MISSING),
            OperatorError::NotAllowed { action, why, allowed } => {
                let detail = format!("`{action}` is not allowed: {why}");
                Self::new(ProblemType::ActionNotAllowed, detail).allowing(&allowed)
            }
            OperatorError::Changed { etag } => {
                Self::new(ProblemType::PreconditionFailed, "the saga has changed since you looked at it")
                    .with_header(header::ETAG, ETag::of_words(&etag).value())
            }
            OperatorError::PlanChanged(plan) => Self::new(
                ProblemType::PlanChanged,
                "the action would no longer do what its preview said; nothing was done",
            )
            .with_header(header::ETAG, ETag::of_words(&plan.etag).value()),
            OperatorError::NeedsConsent(plan) => Self::new(
                ProblemType::SecondPersonRequired,
                "the action moves more money than one person may move alone",
            )
            .with_header(header::ETAG, ETag::of_words(&plan.etag).value()),
            same @ OperatorError::SamePerson(_) => {
                Self::new(ProblemType::SecondPersonRequired, same.to_string())
            }
            OperatorError::Closed { state, by } => {
                let by = by.map(|by| format!(", by {by}")).unwrap_or_default();
                Self::new(ProblemType::ProposalClosed, format!("the proposal is {state}{by}"))
            }
            OperatorError::NoProposal(_) | OperatorError::NoBatch(_) => Self::not_found(),
            OperatorError::Database(error) => error.into(),
            failed @ OperatorError::Failed(_) => Self::internal(failed),
        }
    }
}

//! The engine's refusals as problems.

use super::{Problem, ProblemType};
use orchestrator::ClientError;
use std::time::Duration;

/// `Retry-After` of a node that is leaving; by then the caller may reach another one.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Overloaded(wait) => {
                Self::new(ProblemType::Overloaded, "this node can't take more sagas right now")
                    .retry_after(wait)
            }
            // The lane may have had it before it left, so the outcome is unknown.
            ClientError::Draining => {
                Self::new(ProblemType::Unavailable, "this node is shutting down").retry_after(RETRY_AFTER)
            }
            ClientError::Database(error) => error.into(),
            // The batch was tried several times, and may or may not be committed.
            failed @ ClientError::Failed(_) => {
                Self::new(ProblemType::Unavailable, "the database can't be reached right now")
                    .retry_after(RETRY_AFTER)
                    .because(failed)
            }
            unstorable @ ClientError::Unstorable { .. } => {
                Self::new(ProblemType::Validation, unstorable.to_string())
            }
            newer @ ClientError::Newer(_) => {
                Self::new(ProblemType::Unavailable, "only a newer node can answer this")
                    .retry_after(RETRY_AFTER)
                    .because(newer)
            }
            error @ (ClientError::NotFound(_)
            | ClientError::Json { .. }
            | ClientError::TooLarge { .. }
            | ClientError::WrongBucket { .. }) => Self::internal(error),
        }
    }
}

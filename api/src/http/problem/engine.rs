//! What the engine answers when it doesn't do what it was asked.

use super::{Problem, ProblemType};
use orchestrator::ClientError;
use std::time::Duration;

/// When to come back to a node that is leaving, or to another one.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<ClientError> for Problem {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Overloaded(wait) => {
                Self::new(ProblemType::Overloaded, "this node has all the sagas that it can take")
                    .retry_after(wait)
            }
            // The lane may have had it before it left, so the outcome is unknown.
            ClientError::Draining => {
                Self::new(ProblemType::Unavailable, "this node is leaving").retry_after(RETRY_AFTER)
            }
            ClientError::Database(error) => error.into(),
            // The batch was tried again and again, and may or may not be there now.
            failed @ ClientError::Failed(_) => {
                Self::new(ProblemType::Unavailable, "the database can't be used right now")
                    .retry_after(RETRY_AFTER)
                    .because(failed)
            }
            unstorable @ ClientError::Unstorable { .. } => {
                Self::new(ProblemType::Validation, unstorable.to_string())
            }
            newer @ ClientError::Newer(_) => {
                Self::new(ProblemType::Unavailable, "a newer node has to answer this")
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

//! Database errors at the border: errors that pass by themselves are 503, and all others are our mistakes.

use super::{Problem, ProblemType};
use orchestrator::DatabaseFault;
use std::time::Duration;
use steps::store::StoreError;

/// `Retry-After` while the database is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if DatabaseFault::of(&error).passes() {
            Self::new(ProblemType::Unavailable, "the database can't be reached right now")
                .retry_after(RETRY_AFTER)
                .because(error)
        } else {
            Self::internal(error)
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => error.into(),
            raced @ StoreError::Raced { .. } => {
                Self::new(ProblemType::Unavailable, "somebody else was faster; nothing was done")
                    .retry_after(RETRY_AFTER)
                    .because(raced)
            }
        }
    }
}

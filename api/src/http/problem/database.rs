//! Which database errors are ours, and which pass by themselves.

use super::{Problem, ProblemType};
use std::time::Duration;
use steps::store::StoreError;

/// When to come back while the database is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// SQLSTATE classes that say "not now": connection (08), resources such as disk or connections (53), operator
/// intervention such as a restart or a timeout (57), system errors such as I/O (58), rollback by serialization or
/// deadlock (40), and locks that couldn't be had in time (55).
const PASSING: &[&str] = &["08", "53", "57", "58", "40", "55"];

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if passes(&error) {
            Self::new(ProblemType::Unavailable, "the database can't be used right now")
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

/// Whether the same statement may well succeed in a moment.
pub fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database
            .code()
            .is_some_and(|code| PASSING.iter().any(|class| code.starts_with(class)) && code != "57P04"),
        _ => false,
    }
}

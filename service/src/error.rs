//! Why the service could not do what it was asked. The doors turn these errors into answers.

use operator::OperatorError;
use orchestrator::ClientError;
use steps::store::StoreError;

/// Why a call of the service failed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The database refused a statement, or could not be reached.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// Somebody else changed the row first; nothing was done.
    #[error(transparent)]
    Store(StoreError),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] ClientError),
    /// The operators' desk refused.
    #[error(transparent)]
    Operator(#[from] OperatorError),
    /// A mistake of ours.
    #[error("a mistake of ours")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ServiceError {
    /// A mistake of ours, with its cause.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(error) => Self::Database(error),
            raced @ StoreError::Raced { .. } => Self::Store(raced),
        }
    }
}

//! The service's errors as problems.

use super::Problem;
use service::ServiceError;

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Database(error) => error.into(),
            ServiceError::Store(error) => error.into(),
            ServiceError::Engine(error) => error.into(),
            ServiceError::Operator(error) => error.into(),
            ServiceError::Internal(source) => Self::internal(source),
        }
    }
}

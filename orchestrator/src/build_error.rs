//! Why a node did not start.

use crate::registry::RegistryError;

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Its workflows contradict each other.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The database can't be reached.
    #[error("connecting to the database")]
    Database(#[from] sqlx::Error),
    /// The address of Redis can't be read.
    #[error("reading the address of Redis")]
    Redis(#[from] redis::RedisError),
    /// A lane could not get its thread.
    #[error("starting a lane")]
    Thread(#[from] std::io::Error),
}

//! Usher's saga engine.
extern crate self as orchestrator;

mod cause;
mod client;
mod database;
mod engine;
mod error;
mod fault;
mod handle;
mod hints;
mod id;
pub mod journal;
mod lane;
mod medium;
mod policy;
mod registry;
mod saga;
mod schema;
mod settings;
mod step;
mod steps;
mod store;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod workflow;

pub use cause::{Cause, StuckCause};
pub use client::{Cancelled, Client, ClientError, StartRequest};
pub use database::Database;
pub use engine::{BuildError, Builder, Engine};
pub use error::{Expired, Failure, Rejected, StepError};
pub use handle::{Ended, Handle, Reached};
pub use id::Bucket;
pub use journal::Position;
pub use lane::Snapshot;
pub use medium::{Call, FromRef, Medium, Provide, Tx};
pub use policy::Policy;
pub use registry::RegistryError;
pub use saga::{Compensatable, Retriable, Saga, Wait};
pub use schema::{create_partitions, is_migrated, migrate};
pub use settings::{BatchScope, Settings};
pub use step::{DbError, Event, Item, Made, Probe, Recorded, Step, Undoing};
pub use steps::{Contains, StepList};
pub use store::sagas::{State, Status};
pub use workflow::{Route, Signal, Workflow};

bucketed_id! {
    /// One run of a workflow.
    SagaId
}

/// What [`bucketed_id!`] needs in the crate that calls it.
#[doc(hidden)]
pub mod reexport {
    pub use serde;
    pub use sqlx;
    pub use uuid;
}

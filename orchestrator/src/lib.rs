//! Usher's saga engine.
extern crate self as orchestrator;

mod cause;
mod error;
mod id;
pub mod journal;
mod medium;
mod policy;
mod registry;
mod saga;
mod step;
mod steps;
mod workflow;

pub use cause::{Cause, StuckCause};
pub use error::{Expired, Failure, Rejected, StepError};
pub use id::Bucket;
pub use journal::Position;
pub use medium::{Call, FromRef, Medium, Provide, Tx};
pub use policy::Policy;
pub use registry::RegistryError;
pub use saga::{Compensatable, Retriable, Saga, Wait};
pub use step::{DbError, Event, Item, Made, Probe, Recorded, Step, Undoing};
pub use steps::{Contains, StepList};
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

//! The saga engine.
extern crate self as orchestrator;

mod id;

pub use id::Bucket;

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

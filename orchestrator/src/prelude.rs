//! What the author of a workflow imports: `use orchestrator::prelude::*`.
//!
//! It has the names that most workflows and their steps need. Rarer ones ([`Probe`](crate::Probe),
//! [`Stake`](crate::Stake), [`FromRef`](crate::FromRef), the items of set-based steps) are in the crate's root, and so
//! is what starts and asks a node: [`Engine`](crate::Engine), [`Settings`](crate::Settings), [`Client`](crate::Client).

pub use crate::{
    Call, DbError, Event, Failure, Policy, Rejected, Route, Saga, SagaId, Signal, Step, StepError, Tx,
    Workflow,
};

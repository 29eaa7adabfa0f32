//! What this binary knows: workflows by name and version, steps by name, with their types forgotten.

mod step;
mod workflow;

pub(crate) use step::{
    AnswerKind, AnyStep, CallAnswer, ErasedStep, RecordItem, RecordedEvent, RunItem, StepTable, UndoItem,
};
pub(crate) use workflow::{Attempt, WorkflowTable};

use std::sync::Arc;

/// Everything that lanes can run.
#[derive(Default)]
pub(crate) struct Registry {
    pub steps: StepTable,
    pub workflows: WorkflowTable,
}

/// A node that can't start: its workflows contradict each other.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// Two types would answer for one name in journals.
    #[error("two different steps are named `{name}`: `{one}` and `{other}`; rename one of them")]
    StepNamedTwice {
        /// The name.
        name: &'static str,
        /// One type.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// Two workflows would answer for one name and version.
    #[error("workflow `{name}` version {version} is registered twice; raise the version of the newer one")]
    WorkflowNamedTwice {
        /// The name.
        name: &'static str,
        /// The version.
        version: u32,
    },
}

impl Registry {
    pub fn checked(mut self) -> Result<Arc<Self>, RegistryError> {
        match self.steps.contradiction.take().or(self.workflows.contradiction.take()) {
            Some(error) => Err(error),
            None => Ok(Arc::new(self)),
        }
    }
}

//! What this binary knows: workflows by name and version, steps by name, with their types forgotten.

mod newer;
mod step;
mod workflow;

pub(crate) use newer::Newer;

pub(crate) use step::{
    AnswerKind, AnyStep, CallAnswer, ErasedStep, RecordItem, RecordedEvent, RunItem, StepTable, Told,
    UndoItem,
};
pub(crate) use workflow::{Attempt, WorkflowTable};

use crate::{
    SagaId,
    journal::{Answer, History, What},
    step::Stake,
};
use std::sync::Arc;

/// Everything that lanes can run.
#[derive(Default)]
pub(crate) struct Registry {
    pub steps: StepTable,
    pub workflows: WorkflowTable,
    /// What it has met and doesn't know.
    pub newer: Newer,
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
    /// Labels of a saga's steps, and what is at stake in those that are neither undone nor written off.
    pub fn told(&self, history: &History) -> Told {
        let (mut labels, mut stakes) = Told::default();
        for ask in history.asks() {
            let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { continue };
            let Some(step) = self.steps.get(name) else { continue };
            let Ok(value) = step.decode(input) else { continue };
            let (its_labels, its_stakes) = step.told(&value, ask.output());
            for label in its_labels {
                if !labels.contains(&label) {
                    labels.push(label);
                }
            }
            let refused = matches!(ask.answer, Some(Answer::Rejected(_)));
            if ask.undone.is_none() && !refused && !step.same_stakes() {
                stakes.extend(its_stakes);
            }
        }
        (labels, Stake::sum(stakes))
    }

    /// Whether a node with this registry may move the saga as it stands at this epoch: it knows the workflow, and has not
    /// met anything recorded that it can't read.
    pub fn knows(&self, saga: SagaId, epoch: i64, workflow: &str, version: i32) -> bool {
        self.workflows.get(workflow, version).is_some() && !self.newer.has(saga, epoch)
    }

    pub fn checked(mut self) -> Result<Arc<Self>, RegistryError> {
        match self.steps.contradiction.take().or(self.workflows.contradiction.take()) {
            Some(error) => Err(error),
            None => Ok(Arc::new(self)),
        }
    }
}

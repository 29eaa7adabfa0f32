//! What this binary knows: workflows by name and version, and steps by name, without their types.

mod error;
mod introspect;
mod newer;
mod step;
mod workflow;

pub use error::RegistryError;
pub use introspect::OwedCall;
pub(crate) use newer::Newer;
pub use step::LabelsAndStakes;

pub(crate) use step::{
    AnswerKind, AnyStep, CallAnswer, ErasedStep, RecordItem, RecordedEvent, RunItem, StepTable, UndoItem,
};
pub(crate) use workflow::{Attempt, WorkflowTable};

use crate::{
    id::SagaId,
    journal::{Ask, History, What},
    record::Stake,
};
use std::{collections::HashSet, sync::Arc};

/// Everything that this binary can run.
#[derive(Default)]
pub struct Registry {
    pub(crate) steps: StepTable,
    pub(crate) workflows: WorkflowTable,
    /// Sagas that it has met and can't read.
    pub(crate) newer: Newer,
}

impl Registry {
    /// Labels of a saga's steps, and what is at stake in those that are neither undone nor written off.
    pub fn labels_and_stakes(&self, history: &History) -> LabelsAndStakes {
        let mut labels: Vec<(String, String)> = Vec::new();
        let mut known = HashSet::new();
        for ask in history.asks() {
            let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { continue };
            let Some(step) = self.steps.get(name) else { continue };
            let Ok(value) = step.decode(input) else { continue };
            let (its_labels, _) = step.labels_and_stakes(&value, ask.output());
            labels.extend(its_labels.into_iter().filter(|label| known.insert(label.clone())));
        }
        (labels, self.stakes(history))
    }

    /// What is at stake in a saga's steps that are neither undone nor written off.
    pub fn stakes(&self, history: &History) -> Vec<Stake> {
        let of = |ask: &Ask| {
            let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { return Vec::new() };
            let Some(step) = self.steps.get(name).filter(|step| !step.same_stakes()) else {
                return Vec::new();
            };
            step.decode(input).map(|value| step.labels_and_stakes(&value, ask.output()).1).unwrap_or_default()
        };
        Stake::sum(history.standing().flat_map(of))
    }

    /// Whether a node with this registry may move the saga at this epoch: it knows the workflow, and has not found anything
    /// recorded that it can't read.
    pub(crate) fn knows(&self, saga: SagaId, epoch: i64, workflow: &str, version: i32) -> bool {
        self.workflows.get(workflow, version).is_some() && !self.newer.has(saga, epoch)
    }

    pub(crate) fn checked(mut self) -> Result<Arc<Self>, RegistryError> {
        match self.steps.contradiction.take().or(self.workflows.contradiction.take()) {
            Some(error) => Err(error),
            None => Ok(Arc::new(self)),
        }
    }
}

//! What tools can see of a registry: names, what is at stake, what a compensation would send.

use super::Registry;
use crate::{
    journal::{Ask, What},
    record::Stake,
    step::Way,
};
use std::time::Duration;

/// A compensation that would be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedCall {
    /// The content that would be sent, in the step's words.
    pub described: Option<String>,
    /// What is at stake in the step.
    pub stakes: Vec<Stake>,
}

impl Registry {
    /// Whether it can run this version of a workflow.
    pub fn has_workflow(&self, name: &str, version: i32) -> bool {
        self.workflows.get(name, version).is_some()
    }

    /// The names of its workflows, each once, in alphabetical order.
    pub fn workflow_names(&self) -> Vec<String> {
        let (mut names, _) = self.workflows.columns();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// How long the other side of this step remembers an idempotency key, if that is known.
    pub fn key_remembered(&self, step: &str) -> Option<Duration> {
        self.steps.get(step)?.key_remembered()
    }

    /// Whether it knows a call with this name.
    pub fn is_call(&self, step: &str) -> bool {
        self.steps.get(step).is_some_and(|step| !step.ours())
    }

    /// What is at stake in one request of a workflow. Empty if it is not a step that is known here.
    pub fn stakes_of(&self, ask: &Ask) -> Vec<Stake> {
        let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { return Vec::new() };
        let Some(step) = self.steps.get(name) else { return Vec::new() };
        step.decode(input).map(|value| step.labels_and_stakes(&value, ask.output()).1).unwrap_or_default()
    }

    /// What undoing this call would send. `None` if it is not a call that is known here, or if its input can't be read.
    pub fn owed_call(&self, ask: &Ask) -> Option<OwedCall> {
        let What::Step(name) = &ask.what else { return None };
        let step = self.steps.get(name).filter(|step| !step.ours())?;
        let value = step.decode(ask.input.as_ref()?).ok()?;
        let (_, stakes) = step.labels_and_stakes(&value, ask.output());
        Some(OwedCall { described: step.describe(&value, Way::Back), stakes })
    }
}

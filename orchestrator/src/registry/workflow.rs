//! Workflows without their types.

use super::error::RegistryError;
use crate::{
    error::Failure,
    record::{Json, StuckCause},
    saga::{Core, Saga},
    workflow::Workflow,
};
use futures_util::future::LocalBoxFuture;
use std::{collections::HashMap, marker::PhantomData, rc::Rc};

/// A running attempt. It ends with the workflow's result as JSON.
pub(crate) type Attempt = LocalBoxFuture<'static, Result<Result<Json, StuckCause>, Failure>>;

pub(crate) trait ErasedWorkflow: Send + Sync {
    /// Begins an attempt. It fails if the journaled input can't be read.
    fn begin(&self, core: Rc<Core>, input: &Json) -> Result<Attempt, StuckCause>;
    /// Whether this is a result of the workflow's type.
    fn checks_output(&self, output: &Json) -> Result<(), serde_json::Error>;
}

#[derive(Default)]
pub(crate) struct WorkflowTable {
    known: HashMap<(&'static str, u32), Box<dyn ErasedWorkflow>>,
    pub(super) contradiction: Option<RegistryError>,
}

impl WorkflowTable {
    pub fn add<W: Workflow>(&mut self) {
        let definition = Box::new(Definition::<W>(PhantomData));
        if self.known.insert((W::NAME, W::VERSION), definition).is_some() {
            self.contradiction =
                Some(RegistryError::WorkflowNamedTwice { name: W::NAME, version: W::VERSION });
        }
    }

    pub fn get(&self, name: &str, version: i32) -> Option<&dyn ErasedWorkflow> {
        let (_, workflow) =
            self.known.iter().find(|((known, its), _)| *known == name && *its as i32 == version)?;
        Some(workflow.as_ref())
    }

    /// Names and versions as two columns, for searches.
    pub fn columns(&self) -> (Vec<String>, Vec<i32>) {
        self.known.keys().map(|(name, version)| ((*name).to_owned(), *version as i32)).unzip()
    }
}

struct Definition<W>(PhantomData<fn() -> W>);

impl<W: Workflow> ErasedWorkflow for Definition<W> {
    fn checks_output(&self, output: &Json) -> Result<(), serde_json::Error> {
        serde_json::from_str::<W::Output>(output.get()).map(drop)
    }

    fn begin(&self, core: Rc<Core>, input: &Json) -> Result<Attempt, StuckCause> {
        let input = serde_json::from_str(input.get()).map_err(|error| StuckCause::Undecodable {
            what: format!("input of workflow `{}`", W::NAME),
            error: error.to_string(),
        })?;
        let run = W::run(Saga::new(core), input);
        Ok(Box::pin(async move {
            let output = run.await?;
            Ok(serde_json::value::to_raw_value(&output).map(Json::from).map_err(|error| {
                StuckCause::Undecodable {
                    what: format!("output of workflow `{}`", W::NAME),
                    error: error.to_string(),
                }
            }))
        }))
    }
}

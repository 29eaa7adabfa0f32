//! The handle that a workflow's function gets, to ask for steps, signals, time and ids.
//!
//! Every request first looks into the journal. An answer that is there is returned at once. Otherwise the request becomes
//! the attempt's *want*, and the future stays pending until the lane has the answer or drops it. So parking is never an
//! error here, and neither is a lost lease, a shutdown or a crash.

mod core;
mod input_difference;
mod wait;

pub(crate) use core::{Core, Deadline, Want};
pub use wait::Wait;

use crate::{
    id::SagaId, journal::Recall, medium::Tx, record::Rejected, signal::Signal, step::Step, steps::Contains,
    workflow::Workflow,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{marker::PhantomData, rc::Rc};
use uuid::Uuid;

/// Before the pivot: everything can be undone.
pub enum Compensatable {}
/// After the pivot: nothing is undone, everything is retried.
pub enum Retriable {}

/// A run of the workflow `W`, in one of its two phases.
pub struct Saga<W, Phase = Compensatable> {
    core: Rc<Core>,
    phase: PhantomData<fn() -> (W, Phase)>,
}

impl<W: Workflow> Saga<W, Compensatable> {
    pub(crate) fn new(core: Rc<Core>) -> Self {
        Self { core, phase: PhantomData }
    }

    /// Takes a step. Its refusal is an answer: `?` turns the saga back, or the workflow goes another way.
    pub async fn step<S, Place>(&mut self, step: S) -> Result<S::Output, Rejected>
    where
        S: Step,
        W::Steps: Contains<S, Place>,
    {
        self.core.step(step, false).await
    }

    /// Takes the step that decides the saga. After it there is nothing to undo and no `?`.
    pub async fn pivot<S, Place>(self, step: S) -> Result<(S::Output, Saga<W, Retriable>), Rejected>
    where
        S: Step<Medium = Tx>,
        W::Steps: Contains<S, Place>,
    {
        let output = self.core.step(step, true).await?;
        Ok((output, Saga { core: self.core, phase: PhantomData }))
    }
}

impl<W: Workflow> Saga<W, Retriable> {
    /// Takes a step that must succeed. A refusal here makes the saga stuck, with its reason.
    pub async fn step<S, Place>(&mut self, step: S) -> S::Output
    where
        S: Step,
        W::Steps: Contains<S, Place>,
    {
        match self.core.step(step, false).await {
            Ok(output) => output,
            Err(rejected) => self.core.refused_after_pivot(S::NAME, rejected).await,
        }
    }
}

impl<W, Phase> Saga<W, Phase> {
    /// The saga's id.
    pub fn id(&self) -> SagaId {
        self.core.id()
    }

    /// Waits for a signal. The wait needs a deadline.
    pub fn signal<T: Signal>(&mut self) -> Wait<'_, T> {
        Wait::new(&self.core)
    }

    /// Sleeps durably until this time of the database's clock.
    pub async fn sleep_until(&mut self, until: DateTime<Utc>) {
        self.core.sleep(until).await;
    }

    /// The database's time, the same in every replay.
    pub async fn now(&mut self) -> DateTime<Utc> {
        let now = self.core.now();
        match self.core.value("now", || Recall::Now(now)).await {
            Recall::Now(at) => at,
            other => unreachable!("the request was checked against the journal: {other:?}"),
        }
    }

    /// A fresh id in the saga's bucket, the same in every replay.
    pub async fn uuid(&mut self) -> Uuid {
        let bucket = self.id().bucket();
        match self.core.value("uuid", || Recall::Uuid(bucket.new_id())).await {
            Recall::Uuid(id) => id,
            other => unreachable!("the request was checked against the journal: {other:?}"),
        }
    }

    /// Puts a message into the outbox, in the commit of what was decided with it.
    pub async fn emit(&mut self, kind: &str, payload: &impl Serialize) {
        match serde_json::value::to_raw_value(payload) {
            Ok(payload) => self.core.emit(kind, payload.into()).await,
            Err(error) => self.core.unencodable("emitted payload", &error).await,
        }
    }
}

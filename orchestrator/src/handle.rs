//! A handle to one saga, from any node. It listens for hints and reads the database itself.

use crate::{
    client::{Client, ClientError},
    database_fault::DatabaseFault,
    id::SagaId,
    journal::{Answer, Ask, What},
    lane::{Receiver, Snapshot, Started},
    record::{Cause, Json, Rejected, State, StuckCause},
    step::Step,
    workflow::Workflow,
};
use serde::de::DeserializeOwned;
use std::{marker::PhantomData, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A saga of the workflow `W`.
pub struct Handle<W> {
    any: AnyHandle,
    existing: bool,
    workflow: PhantomData<fn() -> W>,
}

/// How far a saga has come with a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Reached<T> {
    /// The step is done, with this output.
    Done(T),
    /// The step refused.
    Rejected(Rejected),
    /// The saga turned back before the step was done.
    TurnedBack(Cause),
    /// The saga is stuck: a person must act first.
    Stuck(StuckCause),
    /// It ended without the step.
    Passed,
    /// It has not ended yet.
    NotYet,
}

/// How a saga ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended<T> {
    /// The workflow returned this result.
    Completed(T),
    /// It unwound and owes nothing.
    Unwound(Cause),
    /// The saga is stuck: a person must act first.
    Stuck(StuckCause),
    /// It has not ended yet.
    NotYet,
}

impl<W: Workflow> Handle<W> {
    pub(crate) fn to(client: Client, id: SagaId) -> Self {
        Self { any: AnyHandle::to(client, id), existing: false, workflow: PhantomData }
    }

    pub(crate) fn answered(mut self, started: Started) -> Self {
        self.existing = started.existing;
        if started.id != self.any.id {
            self.any = AnyHandle::to(self.any.client.clone(), started.id);
        }
        self.any.first = started.snapshot;
        self
    }

    /// The saga's id.
    pub fn id(&self) -> SagaId {
        self.any.id
    }

    /// Whether the start that returned this handle found a saga that existed already.
    pub fn existing(&self) -> bool {
        self.existing
    }

    /// Waits until the latest request for the step `S` has its answer.
    pub async fn reached<S: Step>(&self, within: Duration) -> Result<Reached<S::Output>, ClientError> {
        self.reached_by::<S>(within, |_| true).await
    }

    /// Waits until the latest request for a step `S` that passes `wanted` has its answer. This is for workflows that may ask
    /// for one step several times.
    pub async fn reached_by<S: Step>(
        &self,
        within: Duration,
        wanted: impl Fn(&S) -> bool,
    ) -> Result<Reached<S::Output>, ClientError> {
        let reached = self.any.until(within, |snapshot| reached::<S>(snapshot, &wanted)).await?;
        reached.unwrap_or(Ok(Reached::NotYet))
    }

    /// Waits until the saga is over, or stuck.
    pub async fn result(&self, within: Duration) -> Result<Ended<W::Output>, ClientError> {
        let ended = self.any.until(within, |snapshot| ended::<W>(snapshot)).await?;
        ended.unwrap_or(Ok(Ended::NotYet))
    }

    /// How far the saga has come by now.
    pub async fn status(&self) -> Result<Arc<Snapshot>, ClientError> {
        match self.any.client.look(self.any.id).await? {
            Some(snapshot) => Ok(Arc::new(snapshot)),
            // It was refused in its first stretch, so it left no row.
            None => self.any.first.clone().ok_or(ClientError::NotFound(self.any.id)),
        }
    }
}

/// The longest wait between two reads if no hint comes.
const LOOK_MAX: Duration = Duration::from_millis(250);
/// The same if the saga is in this node's lanes, so that a hint will come.
const LOOK_OURS: Duration = Duration::from_secs(1);

/// A handle that doesn't know its workflow.
pub(crate) struct AnyHandle {
    client: Client,
    id: SagaId,
    first: Option<Arc<Snapshot>>,
    heard: Option<Receiver>,
}

impl AnyHandle {
    /// Subscribes before the first read, or a hint between the two would be lost.
    pub fn to(client: Client, id: SagaId) -> Self {
        let heard = client.lanes.as_ref().map(|lanes| lanes.watchers.watch(id));
        Self { client, id, first: None, heard }
    }

    /// Waits until a snapshot of the saga passes the check.
    pub async fn until<T>(
        &self,
        within: Duration,
        check: impl Fn(&Snapshot) -> Option<T>,
    ) -> Result<Option<T>, ClientError> {
        let deadline = Instant::now() + within;
        let mut heard = self.heard.clone();
        let latest = heard.as_mut().and_then(|heard| heard.borrow_and_update().clone());
        let ours = self.first.is_some();
        // An operator may have repaired a stuck saga meanwhile, on any node. Nobody publishes that, so it is read.
        let (stuck, heard_of) = match latest.or_else(|| self.first.clone()) {
            Some(snapshot) if snapshot.state == State::Stuck => (true, None),
            other => (false, other),
        };
        if let Some(passed) = heard_of.and_then(|snapshot| check(&snapshot)) {
            return Ok(Some(passed));
        }
        let mut seen = None;
        let mut pause = if ours && !stuck { LOOK_OURS } else { Duration::ZERO };
        loop {
            let next_look = (Instant::now() + pause).min(deadline);
            tokio::select! {
                changed = hear(&mut heard) => {
                    if let Some(passed) = changed.and_then(|snapshot| check(&snapshot)) {
                        return Ok(Some(passed));
                    }
                }
                () = tokio::time::sleep_until(next_look) => {
                    let snapshot = match self.client.look_for_more(self.id, &mut seen).await {
                        // Nodes that can read it go on with it, so there is no answer yet.
                        Err(ClientError::Newer(_)) => None,
                        // A database that is away may be back before the time is over.
                        Err(ClientError::Database(error))
                            if DatabaseFault::of(&error).passes() && Instant::now() < deadline =>
                        {
                            None
                        }
                        looked => looked?,
                    };
                    if let Some(passed) = snapshot.and_then(|snapshot| check(&snapshot)) {
                        return Ok(Some(passed));
                    }
                    if Instant::now() >= deadline {
                        return Ok(None);
                    }
                    pause = if ours { LOOK_OURS } else { (pause * 2).clamp(Duration::from_millis(10), LOOK_MAX) };
                }
            }
        }
    }
}

async fn hear(heard: &mut Option<Receiver>) -> Option<Arc<Snapshot>> {
    if let Some(receiver) = heard
        && receiver.changed().await.is_ok()
    {
        return receiver.borrow_and_update().clone();
    }
    std::future::pending().await
}

impl Drop for AnyHandle {
    fn drop(&mut self) {
        self.heard = None;
        if let Some(lanes) = &self.client.lanes {
            lanes.watchers.forget(self.id);
        }
    }
}

fn reached<S: Step>(
    snapshot: &Snapshot,
    wanted: impl Fn(&S) -> bool,
) -> Option<Result<Reached<S::Output>, ClientError>> {
    let history = &snapshot.history;
    let of_step = |what: &What| matches!(what, What::Step(name) if name == S::NAME);
    let fits = |input: &Json| serde_json::from_str(input.get()).is_ok_and(|step| wanted(&step));
    let of_this = |ask: &&Ask| of_step(&ask.what) && ask.input.as_ref().is_none_or(fits);
    let ask = history.asks().iter().rev().find(of_this);
    match ask.and_then(|ask| ask.answer.as_ref()) {
        Some(Answer::Done(output)) => return Some(decoded(S::NAME, output.get()).map(Reached::Done)),
        Some(Answer::Rejected(rejected)) => return Some(Ok(Reached::Rejected(rejected.clone()))),
        Some(Answer::Passed | Answer::Value(_)) | None => {}
    }
    let instead = match (history.turned_back(), &snapshot.stuck) {
        (Some(cause), _) => Reached::TurnedBack(cause.clone()),
        (None, Some(cause)) => Reached::Stuck(cause.clone()),
        (None, None) if snapshot.state.at_rest() => Reached::Passed,
        (None, None) => return None,
    };
    Some(Ok(instead))
}

fn ended<W: Workflow>(snapshot: &Snapshot) -> Option<Result<Ended<W::Output>, ClientError>> {
    match snapshot.state {
        State::Completed => {
            let output = snapshot.history.returned().map_or("null", |output| output.get());
            Some(decoded(W::NAME, output).map(Ended::Completed))
        }
        State::Unwound => snapshot.history.turned_back().cloned().map(|cause| Ok(Ended::Unwound(cause))),
        State::Stuck => snapshot.stuck.clone().map(|cause| Ok(Ended::Stuck(cause))),
        State::Running | State::Waiting | State::Unwinding => None,
    }
}

fn decoded<T: DeserializeOwned>(what: &str, json: &str) -> Result<T, ClientError> {
    serde_json::from_str(json)
        .map_err(|error| ClientError::Json { what: format!("output of `{what}`"), error })
}

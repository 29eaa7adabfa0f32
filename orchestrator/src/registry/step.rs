//! Steps without their types: lanes batch these, and compensations are read back from journals through them.

use super::error::RegistryError;
use crate::{
    error::StepError,
    id::SagaId,
    medium::{CallContext, Medium, Provide, Tx},
    policy::Policy,
    record::{Cause, Json, Position, Rejected, Stake},
    step::{DbError, Event, Item, Probe, Recorded, Step, Undoing, Way},
};
use chrono::{DateTime, Utc};
use futures_util::future::{BoxFuture, LocalBoxFuture};
use serde::Serialize;
use std::{
    any::{Any, type_name},
    collections::HashMap,
    marker::PhantomData,
    sync::Arc,
    time::Duration,
};

/// A step's value; its type is the one registered under its name.
pub(crate) type AnyStep = Arc<dyn Any + Send + Sync>;

pub(crate) struct RunItem {
    pub step: AnyStep,
    pub saga: SagaId,
    pub position: Position,
}

pub(crate) struct UndoItem {
    pub step: AnyStep,
    pub saga: SagaId,
    pub position: Position,
    pub made: Option<Json>,
    pub cause: Cause,
}

pub(crate) struct RecordItem {
    pub step: AnyStep,
    pub saga: SagaId,
    pub position: Position,
    pub event: RecordedEvent,
}

/// An [`Event`] without its type.
#[derive(Clone)]
pub(crate) enum RecordedEvent {
    Started,
    Ended(Result<CallAnswer, Rejected>),
    UndoStarted { cause: Cause },
    Undone { made: Option<Json>, undo: CallAnswer, cause: Cause },
}

/// A step's output: typed, and in its journaled form.
#[derive(Clone)]
pub(crate) struct CallAnswer {
    pub typed: Arc<dyn Any + Send + Sync>,
    pub json: Json,
}

/// A step's labels, and its stakes.
pub type LabelsAndStakes = (Vec<(String, String)>, Vec<Stake>);

/// How a call is made.
pub(crate) enum AnswerKind {
    Run,
    /// Whether the other side may have forgotten our key.
    Probe,
    Undo {
        made: Option<Json>,
    },
}

pub(crate) type Answers<T> = Result<Vec<Result<T, StepError>>, DbError>;

pub(crate) trait ErasedStep: Send + Sync {
    fn name(&self) -> &'static str;
    fn ours(&self) -> bool;
    /// The client that its calls use. Calls through one client share their places.
    fn service(&self) -> &'static str;
    fn repeatable(&self) -> bool;
    fn policy(&self) -> Policy;
    fn undo_policy(&self) -> Policy;
    fn key_remembered(&self) -> Option<Duration>;
    fn same_stakes(&self) -> bool;
    fn encode(&self, step: &AnyStep) -> Result<Json, serde_json::Error>;
    fn decode(&self, input: &Json) -> Result<AnyStep, serde_json::Error>;
    /// Checks an output that somebody else made against the step's type.
    fn decode_output(&self, output: &Json) -> Result<CallAnswer, serde_json::Error>;
    fn describe(&self, step: &AnyStep, way: Way) -> Option<String>;
    /// The labels, with its output if it has one. This is called for every entry, so it does nothing for steps without labels.
    fn labels(&self, step: &AnyStep, made: Option<&CallAnswer>) -> Vec<(String, String)>;
    /// The labels and stakes, with its output if it has one that can be read.
    fn labels_and_stakes(&self, step: &AnyStep, made: Option<&Json>) -> LabelsAndStakes;
    fn extend<'a>(
        &'a self,
        step: &'a AnyStep,
        made: &'a Json,
        until: DateTime<Utc>,
        tx: &'a mut Tx,
    ) -> LocalBoxFuture<'a, Result<(), StepError>>;
    fn run_all<'a>(&'a self, batch: &'a [RunItem], tx: &'a mut Tx)
    -> LocalBoxFuture<'a, Answers<CallAnswer>>;
    fn undo_all<'a>(
        &'a self,
        batch: &'a [UndoItem],
        tx: &'a mut Tx,
    ) -> LocalBoxFuture<'a, Answers<CallAnswer>>;
    fn record_all<'a>(
        &'a self,
        batch: &'a [RecordItem],
        tx: &'a mut Tx,
    ) -> LocalBoxFuture<'a, Result<(), DbError>>;
    fn call(
        &self,
        step: AnyStep,
        kind: AnswerKind,
        context: CallContext,
    ) -> BoxFuture<'static, Result<CallAnswer, StepError>>;
}

#[derive(Default)]
/// Steps by name. It is public only because a public trait names it.
#[doc(hidden)]
pub struct StepTable {
    known: HashMap<&'static str, (&'static str, Arc<dyn ErasedStep>)>,
    pub(super) contradiction: Option<RegistryError>,
}

impl StepTable {
    pub(crate) fn add<T: Step, S: Clone + Send + Sync + 'static>(&mut self, services: &S)
    where
        T::Medium: Provide<S>,
    {
        let erased = Arc::new(Erased::<T, S> { services: services.clone(), step: PhantomData });
        if let Some((one, _)) = self.known.insert(T::NAME, (type_name::<T>(), erased))
            && one != type_name::<T>()
        {
            let other = type_name::<T>();
            self.contradiction = Some(RegistryError::StepNamedTwice { name: T::NAME, one, other });
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn ErasedStep>> {
        self.known.get(name).map(|(_, step)| step)
    }

    /// The longest that one call of any step, or of its compensation, may take.
    pub(crate) fn call_max(&self) -> Duration {
        let calls = self.known.values().filter(|(_, step)| !step.ours());
        let longest = |step: &dyn ErasedStep| step.policy().timeout.max(step.undo_policy().timeout);
        calls.map(|(_, step)| longest(step.as_ref())).max().unwrap_or_default()
    }
}

struct Erased<T, S> {
    services: S,
    step: PhantomData<fn() -> T>,
}

const OF_ITS_NAME: &str = "a step has the type that is registered under its name";
const OF_ITS_MEDIUM: &str = "only `Tx` steps are given the transaction, only calls are opened";

impl<T: Step, S: Send + Sync> ErasedStep for Erased<T, S>
where
    T::Medium: Provide<S>,
{
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn ours(&self) -> bool {
        T::Medium::OURS
    }

    fn service(&self) -> &'static str {
        T::Medium::service()
    }

    fn repeatable(&self) -> bool {
        T::REPEATABLE
    }

    fn policy(&self) -> Policy {
        T::POLICY
    }

    fn undo_policy(&self) -> Policy {
        T::UNDO_POLICY
    }

    fn key_remembered(&self) -> Option<Duration> {
        T::KEY_REMEMBERED
    }

    fn same_stakes(&self) -> bool {
        T::SAME_STAKES
    }

    fn encode(&self, step: &AnyStep) -> Result<Json, serde_json::Error> {
        raw(as_step::<T>(step))
    }

    fn decode(&self, input: &Json) -> Result<AnyStep, serde_json::Error> {
        Ok(Arc::new(serde_json::from_str::<T>(input.get())?))
    }

    fn decode_output(&self, output: &Json) -> Result<CallAnswer, serde_json::Error> {
        let typed = serde_json::from_str::<T::Output>(output.get())?;
        let json = raw(&typed)?;
        Ok(CallAnswer { typed: Arc::new(typed), json })
    }

    fn describe(&self, step: &AnyStep, way: Way) -> Option<String> {
        as_step::<T>(step).describe(way)
    }

    fn labels(&self, step: &AnyStep, made: Option<&CallAnswer>) -> Vec<(String, String)> {
        let made = made.map(|answer| answer.typed.downcast_ref().expect(OF_ITS_NAME));
        as_step::<T>(step).labels(made)
    }

    fn labels_and_stakes(&self, step: &AnyStep, made: Option<&Json>) -> LabelsAndStakes {
        let made: Option<T::Output> = made.and_then(|json| serde_json::from_str(json.get()).ok());
        let step = as_step::<T>(step);
        (step.labels(made.as_ref()), step.stakes(made.as_ref()))
    }

    fn extend<'a>(
        &'a self,
        step: &'a AnyStep,
        made: &'a Json,
        until: DateTime<Utc>,
        tx: &'a mut Tx,
    ) -> LocalBoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            let made: T::Output = serde_json::from_str(made.get()).map_err(StepError::unclear)?;
            as_step::<T>(step).extend(tx, &made, until).await
        })
    }

    fn run_all<'a>(
        &'a self,
        batch: &'a [RunItem],
        tx: &'a mut Tx,
    ) -> LocalBoxFuture<'a, Answers<CallAnswer>> {
        Box::pin(async move {
            let items: Vec<_> = batch
                .iter()
                .map(|item| Item { step: as_step::<T>(&item.step), saga: item.saga, position: item.position })
                .collect();
            let answers = T::run_all(&items, T::Medium::of_tx(tx).expect(OF_ITS_MEDIUM)).await?;
            assert_eq!(answers.len(), batch.len(), "`run_all` of step `{}` answers every item", T::NAME);
            Ok(answers.into_iter().map(encoded).collect())
        })
    }

    fn undo_all<'a>(
        &'a self,
        batch: &'a [UndoItem],
        tx: &'a mut Tx,
    ) -> LocalBoxFuture<'a, Answers<CallAnswer>> {
        Box::pin(async move {
            let mut items = Vec::with_capacity(batch.len());
            for item in batch {
                let made = made::<T>(&item.made).map_err(|error| sqlx::Error::Decode(error.into()))?;
                let made = T::Medium::made(made).expect("what is ours has an output if it was done");
                let step = as_step::<T>(&item.step);
                items.push(Undoing {
                    step,
                    saga: item.saga,
                    position: item.position,
                    made,
                    cause: &item.cause,
                });
            }
            let answers = T::compensate_all(items, T::Medium::of_tx(tx).expect(OF_ITS_MEDIUM)).await?;
            assert_eq!(
                answers.len(),
                batch.len(),
                "`compensate_all` of step `{}` answers every item",
                T::NAME
            );
            Ok(answers.into_iter().map(encoded).collect())
        })
    }

    fn record_all<'a>(
        &'a self,
        batch: &'a [RecordItem],
        tx: &'a mut Tx,
    ) -> LocalBoxFuture<'a, Result<(), DbError>> {
        Box::pin(async move {
            let mut outputs = Vec::with_capacity(batch.len());
            for item in batch {
                let output = match &item.event {
                    RecordedEvent::Undone { made: json, .. } => {
                        made::<T>(json).map_err(|error| sqlx::Error::Decode(error.into()))?
                    }
                    RecordedEvent::Started | RecordedEvent::Ended(_) | RecordedEvent::UndoStarted { .. } => {
                        None
                    }
                };
                outputs.push(output);
            }
            let items = batch.iter().zip(&outputs).map(|(item, made)| Recorded {
                step: as_step::<T>(&item.step),
                saga: item.saga,
                position: item.position,
                event: event::<T>(&item.event, made.as_ref()),
            });
            T::record_all(items.collect(), tx).await
        })
    }

    fn call(
        &self,
        step: AnyStep,
        kind: AnswerKind,
        context: CallContext,
    ) -> BoxFuture<'static, Result<CallAnswer, StepError>> {
        let mut call = T::Medium::open(&self.services, context).expect(OF_ITS_MEDIUM);
        Box::pin(async move {
            let step = as_step::<T>(&step);
            match kind {
                AnswerKind::Run => encoded(step.run(&mut call).await),
                AnswerKind::Probe => match step.probe(&mut call).await? {
                    Probe::Done(output) => encoded::<T::Output>(Ok(output)),
                    Probe::NotDone => encoded(step.run(&mut call).await),
                    Probe::Unknown => Err(StepError::unclear("the probe found no answer")),
                },
                AnswerKind::Undo { made: json } => {
                    let made = made::<T>(&json).map_err(StepError::unclear)?;
                    let made = T::Medium::made(made).expect(OF_ITS_MEDIUM);
                    encoded(step.compensate(&mut call, made).await)
                }
            }
        })
    }
}

fn as_step<T: Step>(step: &AnyStep) -> &T {
    step.downcast_ref().expect(OF_ITS_NAME)
}

fn made<T: Step>(json: &Option<Json>) -> Result<Option<T::Output>, serde_json::Error> {
    json.as_ref().map(|json| serde_json::from_str(json.get())).transpose()
}

fn event<'a, T: Step>(event: &'a RecordedEvent, made: Option<&'a T::Output>) -> Event<'a, T> {
    match event {
        RecordedEvent::Started => Event::Started,
        RecordedEvent::Ended(answer) => {
            Event::Ended(answer.as_ref().map(|answer| answer.typed.downcast_ref().expect(OF_ITS_NAME)))
        }
        RecordedEvent::UndoStarted { cause } => Event::UndoStarted { cause },
        RecordedEvent::Undone { undo, cause, .. } => {
            Event::Undone { made, undo: undo.typed.downcast_ref().expect(OF_ITS_NAME), cause }
        }
    }
}

fn raw(value: &impl Serialize) -> Result<Json, serde_json::Error> {
    serde_json::value::to_raw_value(value).map(Json::from)
}

fn encoded<T: Serialize + Send + Sync + 'static>(
    answer: Result<T, StepError>,
) -> Result<CallAnswer, StepError> {
    let value = answer?;
    let json = raw(&value).map_err(StepError::unclear)?;
    Ok(CallAnswer { typed: Arc::new(value), json })
}

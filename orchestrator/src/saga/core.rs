//! The meeting point of a workflow's future and the lane that polls it.

use super::input_difference::input_difference;
use crate::{
    error::Expired,
    id::SagaId,
    journal::{Answer, Entry, History, Recall, What},
    record::{Json, Rejected, StuckCause},
    registry::AnyStep,
    signal::Signal,
    step::Step,
};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use std::{
    any::Any,
    cell::{Cell, Ref, RefCell},
    future::{pending, poll_fn},
    sync::Arc,
    task::Poll,
    time::Duration,
};

/// One attempt's shared state. The lane owns the attempt; the future sees only this.
pub(crate) struct Core {
    id: SagaId,
    now: Cell<DateTime<Utc>>,
    /// Shared with whoever watches the saga. An entry is appended to a copy while somebody still has it.
    history: RefCell<Arc<History>>,
    next_ask: Cell<u32>,
    want: RefCell<Option<Want>>,
    /// The output of a step that has just run, still typed, so that it need not be decoded again.
    fresh: RefCell<Option<(u32, Arc<dyn Any + Send + Sync>)>>,
    stuck: RefCell<Option<StuckCause>>,
}

/// The request that the future waits for.
pub(crate) enum Want {
    Step { ask: u32, name: &'static str, step: AnyStep, pivot: bool },
    Signal { ask: u32, name: &'static str, deadline: Deadline },
    Sleep { ask: u32, until: DateTime<Utc> },
}

/// The end of a wait.
#[derive(Clone, Copy)]
pub(crate) enum Deadline {
    At(DateTime<Utc>),
    Within(Duration),
}

impl Core {
    pub fn new(id: SagaId, history: History) -> Self {
        Self {
            id,
            now: Cell::default(),
            history: RefCell::new(Arc::new(history)),
            next_ask: Cell::new(0),
            want: RefCell::new(None),
            fresh: RefCell::new(None),
            stuck: RefCell::new(None),
        }
    }

    pub fn id(&self) -> SagaId {
        self.id
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.now.get()
    }

    /// Sets the database's time, with which a stretch begins.
    pub fn set_now(&self, now: DateTime<Utc>) {
        self.now.set(now);
    }

    pub fn history(&self) -> Ref<'_, History> {
        Ref::map(self.history.borrow(), Arc::as_ref)
    }

    pub fn shared_history(&self) -> Arc<History> {
        self.history.borrow().clone()
    }

    /// Forgets how far an attempt has come: the next one replays the journal from its beginning.
    pub fn begin_attempt(&self) {
        self.next_ask.set(0);
        self.want.take();
        self.fresh.take();
        self.stuck.take();
    }

    /// Appends what has happened. The engine writes only entries that can follow.
    pub fn append(&self, entry: Entry) {
        let appended = Arc::make_mut(&mut *self.history.borrow_mut()).append(entry);
        appended.expect("the engine appends only what can follow the journal");
    }

    pub fn take_want(&self) -> Option<Want> {
        self.want.borrow_mut().take()
    }

    pub fn take_stuck(&self) -> Option<StuckCause> {
        self.stuck.borrow_mut().take()
    }

    /// Leaves a fresh output for the future that waits for it.
    pub fn hand_over(&self, ask: u32, output: Arc<dyn Any + Send + Sync>) {
        *self.fresh.borrow_mut() = Some((ask, output));
    }

    /// After the workflow has returned: a request that the journal has and the code did not make.
    pub fn abandoned_request(&self) -> Option<StuckCause> {
        let made = self.next_ask.get();
        let history = self.history.borrow();
        history.asks().get(made as usize).map(|ask| StuckCause::Diverged {
            ask: made,
            journal: ask.what.to_string(),
            code: "the end of the workflow".into(),
            difference: None,
        })
    }

    pub async fn step<S: Step>(&self, step: S, pivot: bool) -> Result<S::Output, Rejected> {
        let ask = self.check_request(What::Step(S::NAME.to_owned())).await;
        if let Some(cause) = self.other_step(ask, &step, pivot) {
            return self.mark_stuck(cause).await;
        }
        let step: AnyStep = Arc::new(step);
        let want = || Want::Step { ask, name: S::NAME, step: step.clone(), pivot };
        match self.answered(ask, want).await {
            Answer::Done(json) => match self.take_fresh(ask) {
                Some(output) => Ok(output),
                None => Ok(self.decode(&format!("output of step `{}`", S::NAME), &json).await),
            },
            Answer::Rejected(rejected) => Err(rejected),
            answer @ (Answer::Passed | Answer::Value(_)) => unreachable!("a step has no {answer:?}"),
        }
    }

    pub async fn signal<T: Signal>(&self, deadline: Deadline) -> Result<T, Expired> {
        let ask = self.check_request(What::Signal(T::NAME.to_owned())).await;
        match self.answered(ask, || Want::Signal { ask, name: T::NAME, deadline }).await {
            Answer::Done(json) => Ok(self.decode(&format!("signal `{}`", T::NAME), &json).await),
            Answer::Passed => Err(Expired { signal: T::NAME.to_owned() }),
            answer @ (Answer::Rejected(_) | Answer::Value(_)) => unreachable!("a wait has no {answer:?}"),
        }
    }

    pub async fn sleep(&self, until: DateTime<Utc>) {
        let ask = self.check_request(What::Sleep).await;
        self.answered(ask, || Want::Sleep { ask, until }).await;
    }

    /// A value from the journal, or one that is made now and journaled.
    pub async fn value(&self, kind: &'static str, make: impl FnOnce() -> Recall) -> Recall {
        let ask = self.check_request(What::Value(kind)).await;
        match self.answer(ask) {
            Some(Answer::Value(recall)) => recall,
            Some(answer) => unreachable!("a value has no {answer:?}"),
            None => {
                let recall = make();
                self.append(Entry::Value { ask, recall: recall.clone() });
                recall
            }
        }
    }

    /// A message to the outside. A message that was emitted stays, so the code's payload may have changed by now, but not its kind.
    pub async fn emit(&self, kind: &str, payload: Json) {
        let ask = self.next_ask.get();
        let message = Recall::Emitted { kind: kind.to_owned(), payload };
        if let Recall::Emitted { kind: journaled, .. } = self.value("emit", || message).await
            && journaled != kind
        {
            let (journal, code) = (format!("emit of `{journaled}`"), format!("emit of `{kind}`"));
            self.mark_stuck(StuckCause::Diverged { ask, journal, code, difference: None }).await
        }
    }

    pub async fn refused_after_pivot<T>(&self, step: &str, rejected: Rejected) -> T {
        let cause = StuckCause::RefusedAfterPivot { at: step.to_owned(), error: rejected.to_string() };
        self.mark_stuck(cause).await
    }

    pub async fn unencodable<T>(&self, what: &str, error: &serde_json::Error) -> T {
        self.mark_stuck(StuckCause::Undecodable { what: what.to_owned(), error: error.to_string() }).await
    }

    /// Numbers the request. If the journal has it, it must be the same; if not, the journal must have all requests before it.
    async fn check_request(&self, what: What) -> u32 {
        let ask = self.next_ask.get();
        self.next_ask.set(ask + 1);
        let known = self.history.borrow().asks().get(ask as usize).map(|ask| ask.what.clone());
        if let Some(known) = known
            && known != what
        {
            let (journal, code) = (known.to_string(), what.to_string());
            return self.mark_stuck(StuckCause::Diverged { ask, journal, code, difference: None }).await;
        }
        let journaled = self.history.borrow().asks().len() as u32;
        if ask > journaled {
            return self.mark_stuck(StuckCause::Abandoned { ask: journaled, next: what.to_string() }).await;
        }
        ask
    }

    /// Why the step that the code asks for differs from the journal's step with the same name.
    fn other_step<S: Step>(&self, ask: u32, step: &S, pivot: bool) -> Option<StuckCause> {
        let history = self.history.borrow();
        let known = history.asks().get(ask as usize)?;
        let named = |pivot: bool| format!("step `{}`{}", S::NAME, if pivot { " as the pivot" } else { "" });
        if known.answer.is_some() && known.pivot != pivot {
            let (journal, code) = (named(known.pivot), named(pivot));
            return Some(StuckCause::Diverged { ask, journal, code, difference: None });
        }
        let difference = input_difference(known.input.as_ref()?, step)?;
        let (journal, code) = (named(false), format!("{} with another input", named(false)));
        Some(StuckCause::Diverged { ask, journal, code, difference: Some(difference) })
    }

    async fn answered(&self, ask: u32, want: impl Fn() -> Want) -> Answer {
        poll_fn(|_| match self.answer(ask) {
            Some(answer) => Poll::Ready(answer),
            None => {
                *self.want.borrow_mut() = Some(want());
                Poll::Pending
            }
        })
        .await
    }

    fn answer(&self, ask: u32) -> Option<Answer> {
        self.history.borrow().asks().get(ask as usize)?.answer.clone()
    }

    fn take_fresh<T: Clone + 'static>(&self, ask: u32) -> Option<T> {
        let (of, output) = self.fresh.borrow_mut().take()?;
        if of != ask {
            return None;
        }
        output.downcast_ref().cloned()
    }

    async fn decode<T: DeserializeOwned>(&self, what: &str, json: &Json) -> T {
        match serde_json::from_str(json.get()) {
            Ok(value) => value,
            Err(error) => self.unencodable(what, &error).await,
        }
    }

    /// Makes the saga stuck: the lane sees the reason, and the future is never polled again.
    async fn mark_stuck<T>(&self, cause: StuckCause) -> T {
        *self.stuck.borrow_mut() = Some(cause);
        pending().await
    }
}

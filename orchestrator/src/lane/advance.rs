//! How a saga moves: the decisions, without any I/O.
//!
//! [`Run::advance`] goes on until the saga is parked or needs something of the database. The order of its questions
//! matters: a call's end comes before a cancellation, a cancellation before the workflow, and nothing after the pivot
//! turns back.

use super::{
    CallFailure, CallOut, Direction,
    calls::panic_message,
    run::{Env, Need, Parked, Recorded, Run},
};
use crate::{
    cause::{Cause, StuckCause},
    journal::{Answer, Ask, Entry, Json, Outcome, Position, What},
    medium::CallContext,
    registry::{AnyStep, CallAnswer, ErasedStep, RecordedEvent},
    saga::{Deadline, Want},
    store::{mailbox::Kind, sagas::State},
};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// A poll longer than this is reported: the whole lane waits for it.
const POLL_REPORTED: Duration = Duration::from_secs(1);

impl Run {
    /// Moves until parked (`None`) or in need of the database.
    pub fn advance(&mut self, env: &Env<'_>) -> Option<Need> {
        while self.parked.is_none() {
            let entries = self.core.history().len();
            if entries > env.settings.journal_entries_max {
                let bound = env.settings.journal_entries_max as u64;
                self.stick(StuckCause::Oversize { what: "journal".into(), size: entries as u64, bound }, env);
            } else if let Some(ended) = self.ended.take() {
                let need = self.call_ended(ended.step, ended.value, ended.direction, ended.answer, env);
                if need.is_some() {
                    return need;
                }
            } else if self.added() >= env.settings.stretch_steps_max {
                self.cut = true;
                self.park(self.moving(State::Running), Some(env.now));
            } else if let Some(by) = self.cancelled().filter(|_| !self.may_have_called_unrecorded()) {
                self.turn_back(Cause::Cancelled { by });
            } else if self.core.history().turned_back().is_some() {
                return self.unwind(env);
            } else if let Some(need) = self.go_forward(env) {
                return Some(need);
            }
        }
        None
    }

    /// Who asked to turn back, if someone did and that is still possible.
    fn cancelled(&self) -> Option<String> {
        let history = self.core.history();
        if history.pivoted() || history.turned_back().is_some() {
            return None;
        }
        let letter = self.letters.iter().find(|letter| letter.kind == Kind::Cancel)?;
        Some(letter.sender.clone())
    }

    /// Something was tried that the journal doesn't have: a `Tx` step that failed, or a repeatable call that left
    /// without a *started* entry. Which one it was shows when the workflow asks for it again.
    fn may_have_called_unrecorded(&self) -> bool {
        self.trying.attempts > 0 && self.core.history().asks().iter().all(|ask| ask.answer.is_some())
    }

    fn turn_back(&mut self, cause: Cause) {
        self.attempt = None;
        let history = self.core.history();
        let emitted = history.entries().iter().any(|entry| matches!(entry, Entry::Value { .. }));
        self.vanished = self.fresh && !history.owes_undo() && !emitted;
        drop(history);
        self.append(Entry::TurnedBack { cause });
    }

    // ---- forward -------------------------------------------------------------------------------------------------

    fn go_forward(&mut self, env: &Env<'_>) -> Option<Need> {
        match self.poll(env) {
            Polled::Wants(Want::Step { ask, name, step, pivot }) => {
                self.want_step(ask, name, step, pivot, env)
            }
            Polled::Wants(Want::Signal { ask, name, deadline }) => {
                self.want_signal(ask, name, deadline, env);
                None
            }
            Polled::Wants(Want::Sleep { ask, until }) => {
                self.wait(ask, None, until, env);
                None
            }
            Polled::Returned(output) => {
                self.append(Entry::Returned { output });
                self.park(State::Completed, None);
                None
            }
            Polled::Failed(cause) if self.core.history().pivoted() => {
                let at = "the workflow".to_owned();
                self.stick(StuckCause::RefusedAfterPivot { at, error: format!("{cause:?}") }, env);
                None
            }
            Polled::Failed(cause) => {
                self.turn_back(cause);
                None
            }
            Polled::Stuck(cause) => {
                self.stick(cause, env);
                None
            }
        }
    }

    fn poll(&mut self, env: &Env<'_>) -> Polled {
        if self.attempt.is_none() {
            match self.begin(env) {
                Ok(attempt) => self.attempt = Some(attempt),
                Err(cause) => return Polled::Stuck(cause),
            }
        }
        let Some(attempt) = self.attempt.as_mut() else { return Polled::Stuck(StuckCause::ForeignWait) };
        let began = Instant::now();
        let polled =
            catch_unwind(AssertUnwindSafe(|| attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        if began.elapsed() > POLL_REPORTED {
            let seconds = began.elapsed().as_secs_f64();
            tracing::warn!(saga = %self.id(), workflow = self.row.workflow, seconds, "a poll of the workflow is slow");
        }
        if let Some(cause) = self.core.take_stuck() {
            return Polled::Stuck(cause);
        }
        let ended = match polled {
            Err(panic) => {
                let at = format!("workflow `{}`", self.row.workflow);
                return Polled::Stuck(StuckCause::Panicked { at, message: panic_message(panic.as_ref()) });
            }
            Ok(Poll::Pending) => {
                return self.core.take_want().map_or(Polled::Stuck(StuckCause::ForeignWait), Polled::Wants);
            }
            Ok(Poll::Ready(ended)) => ended,
        };
        self.attempt = None;
        match (self.core.unasked(), ended) {
            (Some(cause), _) | (None, Ok(Err(cause))) => Polled::Stuck(cause),
            (None, Ok(Ok(output))) => match self.oversize("output of the workflow", &output, env) {
                Some(cause) => Polled::Stuck(cause),
                None => Polled::Returned(output),
            },
            (None, Err(failure)) => Polled::Failed(failure.0),
        }
    }

    fn begin(&self, env: &Env<'_>) -> Result<crate::registry::Attempt, StuckCause> {
        let missing =
            |what: String| StuckCause::Undecodable { what, error: "not known to this binary".into() };
        let (name, version) = (&self.row.workflow, self.row.version);
        let workflow = env.registry.workflows.get(name, version);
        let workflow = workflow.ok_or_else(|| missing(format!("workflow `{name}` version {version}")))?;
        let input = self.core.history().input().cloned().ok_or_else(|| missing("the saga's input".into()))?;
        workflow.begin(self.core.clone(), &input)
    }

    fn want_step(
        &mut self,
        ask: u32,
        name: &'static str,
        value: AnyStep,
        pivot: bool,
        env: &Env<'_>,
    ) -> Option<Need> {
        let Some(step) = env.registry.steps.get(name).cloned() else {
            let what = format!("step `{name}`");
            self.stick(StuckCause::Undecodable { what, error: "not known to this binary".into() }, env);
            return None;
        };
        let cancelled = self.cancelled().filter(|_| step.ours());
        if let Some(by) = cancelled {
            self.turn_back(Cause::Cancelled { by });
            return None;
        }
        if !step.ours() && self.may_have_called_unrecorded() {
            self.note_call(ask, step.as_ref(), &value, env);
            return None;
        }
        if self.waits_for_retry(State::Waiting, env) {
            return None;
        }
        if step.ours() {
            let position = self.next_position();
            return Some(Need::Run { step, value, ask, position, pivot });
        }
        let begun = self.known(ask, |known| (known.first, known.at));
        match begun {
            None if !step.repeatable() => {
                let input = match self.encoded(step.as_ref(), &value, env) {
                    Ok(input) => input,
                    Err(cause) => {
                        self.stick(cause, env);
                        return None;
                    }
                };
                let entry = Entry::Started { ask, step: name.to_owned(), input, at: env.now };
                let of = self.next_position();
                Some(Need::Record {
                    step,
                    value,
                    of,
                    event: Box::new(RecordedEvent::Started),
                    entry: Box::new(Recorded::Plain(entry)),
                })
            }
            begun => {
                let (position, since) = begun.unwrap_or((self.next_position(), None));
                let age = since.and_then(|since| (env.now - since).to_std().ok());
                let probe = matches!((step.key_remembered(), age), (Some(memory), Some(age)) if age > memory);
                self.hand_out(step, value, Direction::Forward { ask }, position, probe, env);
                None
            }
        }
    }

    fn want_signal(&mut self, ask: u32, name: &'static str, deadline: Deadline, env: &Env<'_>) {
        let until = self.known(ask, |known| known.at).flatten().unwrap_or(match deadline {
            Deadline::At(until) => until,
            Deadline::Within(patience) => env.now + patience,
        });
        let history = self.core.history();
        let chosen = self.letters.iter().find(|letter| {
            letter.kind == Kind::Signal
                && letter.name == name
                && letter.received_at <= until
                && !history.has_received(name, &letter.sender)
        });
        let received = chosen.map(|letter| Entry::Received {
            ask,
            signal: name.to_owned(),
            sender: letter.sender.clone(),
            received_at: letter.received_at,
            payload: raw(&letter.payload),
        });
        drop(history);
        match received {
            Some(entry) => self.append(entry),
            None => self.wait(ask, Some(name.to_owned()), until, env),
        }
    }

    /// Waits until then, or goes on if it is past. A letter of that very moment still counts, hence `>`.
    fn wait(&mut self, ask: u32, signal: Option<String>, until: DateTime<Utc>, env: &Env<'_>) {
        let known = self.known(ask, |known| known.at).flatten();
        let until = known.unwrap_or(until);
        if env.now > until {
            self.append(Entry::DeadlinePassed { ask, signal });
            return;
        }
        if known.is_none() {
            self.append(Entry::Waiting { ask, signal, until });
        }
        self.park(State::Waiting, Some(until + chrono::Duration::microseconds(1)));
    }

    // ---- back ----------------------------------------------------------------------------------------------------

    fn unwind(&mut self, env: &Env<'_>) -> Option<Need> {
        let history = self.core.history();
        let (Some(cause), Some(ask)) = (history.turned_back().cloned(), history.next_undo().cloned()) else {
            drop(history);
            self.park(State::Unwound, None);
            return None;
        };
        drop(history);
        if self.waits_for_retry(State::Unwinding, env) {
            return None;
        }
        let (step, value) = match recorded_step(&ask, env) {
            Ok(step) => step,
            Err(cause) => {
                self.stick(cause, env);
                return None;
            }
        };
        let (of, made) = (ask.first, ask.output().cloned());
        if step.ours() {
            return Some(Need::Undo { step, value, of, made });
        }
        if !step.repeatable() && !ask.undo_started {
            let entry = Box::new(Recorded::Plain(Entry::UndoStarted { of }));
            return Some(Need::Record {
                step,
                value,
                of,
                event: Box::new(RecordedEvent::UndoStarted { cause }),
                entry,
            });
        }
        self.hand_out(step, value, Direction::Back { of, made }, of, false, env);
        None
    }

    // ---- calls ---------------------------------------------------------------------------------------------------

    fn hand_out(
        &mut self,
        step: Arc<dyn ErasedStep>,
        value: AnyStep,
        direction: Direction,
        position: Position,
        probe: bool,
        env: &Env<'_>,
    ) {
        self.trying.attempts += 1;
        self.trying.since.get_or_insert(env.now);
        self.trying.retry_at = None;
        let cause = self.core.history().turned_back().cloned();
        let attempt = self.trying.attempts as u32;
        let context = CallContext { saga: self.id(), position, attempt, now: env.now, cause };
        let saga = self.id();
        self.call = Some(CallOut { saga, token: env.token, step, value, direction, probe, context });
        let due_at = Some(env.now + env.settings.lease);
        self.parked = Some(Parked { state: self.moving(State::Running), due_at, leased: true, stuck: None });
    }

    fn call_ended(
        &mut self,
        step: Arc<dyn ErasedStep>,
        value: AnyStep,
        direction: Direction,
        answer: Result<CallAnswer, CallFailure>,
        env: &Env<'_>,
    ) -> Option<Need> {
        let failure = match (direction, answer) {
            (Direction::Forward { ask }, Ok(answer)) => {
                if let Some(cause) = self.oversize(step.name(), &answer.json, env) {
                    self.stick(cause, env);
                    return None;
                }
                let (of, input) = self.of_call(ask, step.as_ref(), &value);
                let entry = ended(ask, step.name(), input, Outcome::Done(answer.json.clone()), false);
                let event = Box::new(RecordedEvent::Ended(Ok(answer.clone())));
                return Some(Need::Record {
                    step,
                    value,
                    of,
                    event,
                    entry: Box::new(Recorded::Output(entry, ask, answer)),
                });
            }
            (Direction::Forward { ask }, Err(CallFailure::Rejected(mut rejected))) => {
                rejected.step = Some(step.name().to_owned());
                let (of, input) = self.of_call(ask, step.as_ref(), &value);
                let entry = ended(ask, step.name(), input, Outcome::Rejected(rejected.clone()), false);
                let event = Box::new(RecordedEvent::Ended(Err(rejected)));
                return Some(Need::Record {
                    step,
                    value,
                    of,
                    event,
                    entry: Box::new(Recorded::Plain(entry)),
                });
            }
            (Direction::Back { of, made }, Ok(undo)) => {
                let cause = self.core.history().turned_back().cloned()?;
                let entry = Box::new(Recorded::Plain(Entry::UndoEnded { of, undo: undo.json.clone() }));
                let event = Box::new(RecordedEvent::Undone { made, undo, cause });
                return Some(Need::Record { step, value, of, event, entry });
            }
            (Direction::Forward { ask }, Err(failure)) => {
                // It may have been done: from now on it must be undone if the saga turns back.
                if self.known(ask, |_| ()).is_none() {
                    self.note_call(ask, step.as_ref(), &value, env);
                }
                failure
            }
            (Direction::Back { .. }, Err(failure)) => failure,
        };
        self.failed(step.as_ref(), failure, env);
        None
    }

    /// Writes down that a repeatable call has left, once that matters; what is being tried goes on being tried.
    fn note_call(&mut self, ask: u32, step: &dyn ErasedStep, value: &AnyStep, env: &Env<'_>) {
        match self.encoded(step, value, env) {
            Ok(input) => {
                let step = step.name().to_owned();
                self.core.append(Entry::Started { ask, step, input, at: env.now });
            }
            Err(cause) => self.stick(cause, env),
        }
    }

    /// Where a call began, and its fields if no *started* entry has them.
    fn of_call(&self, ask: u32, step: &dyn ErasedStep, value: &AnyStep) -> (Position, Option<Json>) {
        match self.known(ask, |known| known.first) {
            Some(first) => (first, None),
            None => (self.next_position(), step.encode(value).ok()),
        }
    }

    // ---- answers of the batch ------------------------------------------------------------------------------------

    /// A `Tx` step ran, or refused.
    pub fn ran(
        &mut self,
        ask: u32,
        step: &dyn ErasedStep,
        value: &AnyStep,
        pivot: bool,
        answer: Result<CallAnswer, CallFailure>,
        env: &Env<'_>,
    ) {
        let outcome = match &answer {
            Ok(answer) => Outcome::Done(answer.json.clone()),
            Err(CallFailure::Rejected(rejected)) => {
                let mut rejected = rejected.clone();
                rejected.step = Some(step.name().to_owned());
                Outcome::Rejected(rejected)
            }
            Err(failure) => return self.failed(step, failure.clone(), env),
        };
        let oversize = answer.as_ref().ok().and_then(|answer| self.oversize(step.name(), &answer.json, env));
        match (oversize, self.encoded(step, value, env)) {
            (Some(cause), _) | (None, Err(cause)) => self.stick(cause, env),
            (None, Ok(input)) => {
                self.append(ended(ask, step.name(), Some(input), outcome, pivot));
                if let Ok(answer) = answer {
                    self.core.hand_over(ask, answer.typed);
                }
            }
        }
    }

    /// A `Tx` compensation ran, or failed. One that refuses is a debt: there is no other way to undo it.
    pub fn undid(
        &mut self,
        of: Position,
        step: &dyn ErasedStep,
        answer: Result<CallAnswer, CallFailure>,
        env: &Env<'_>,
    ) {
        match answer {
            Ok(undo) => self.append(Entry::UndoEnded { of, undo: undo.json }),
            Err(failure) => self.failed(step, failure, env),
        }
    }

    /// A call's rows are written: its entry follows.
    pub fn recorded(&mut self, entry: Recorded) {
        match entry {
            Recorded::Plain(entry) => self.append(entry),
            Recorded::Output(entry, ask, answer) => {
                self.append(entry);
                self.core.hand_over(ask, answer.typed);
            }
        }
    }

    /// An attempt came to nothing: later again, or, with the budget spent, another way.
    pub fn failed(&mut self, step: &dyn ErasedStep, failure: CallFailure, env: &Env<'_>) {
        let back = self.core.history().turned_back().is_some();
        let mut policy = if back { step.undo_policy() } else { step.policy() };
        policy.attempts_max = policy.attempts_max.min(env.settings.attempts_max);
        if step.ours() {
            self.trying.attempts += 1;
        }
        let since = *self.trying.since.get_or_insert(env.now);
        let elapsed = |wait: Duration| (env.now - since).to_std().unwrap_or_default() + wait;
        let attempts = self.trying.attempts as u32;
        let (again, error) = match failure {
            CallFailure::Panicked(message) => {
                let at = format!("step `{}`", step.name());
                return self.stick(StuckCause::Panicked { at, message }, env);
            }
            CallFailure::Contradiction(detail) => {
                return self.stick(StuckCause::Contradicted { step: step.name().to_owned(), detail }, env);
            }
            CallFailure::Rejected(rejected) => (None, rejected.to_string()),
            CallFailure::Later(after) => {
                self.trying.attempts -= 1;
                (policy.allows(0, elapsed(after)).then_some(after), "not yet".to_owned())
            }
            CallFailure::Unclear(error) => {
                let wait = policy.wait_after(attempts);
                (policy.allows(attempts, elapsed(wait)).then_some(wait), error)
            }
        };
        self.trying.last_error = Some(error.clone());
        if let Some(wait) = again {
            let retry_at = env.now + wait;
            self.trying.retry_at = Some(retry_at);
            self.park(self.moving(State::Waiting), Some(retry_at));
        } else {
            self.spent(step, error, back, env);
        }
    }

    fn spent(&mut self, step: &dyn ErasedStep, error: String, back: bool, env: &Env<'_>) {
        let name = step.name().to_owned();
        let history = self.core.history();
        let (pivoted, owed) = (history.pivoted(), history.next_undo().map(|ask| ask.first));
        drop(history);
        match owed {
            Some(position) if back => self.stick(StuckCause::Debt { step: name, position, error }, env),
            Some(_) | None if pivoted => self.stick(StuckCause::FailedAfterPivot { at: name, error }, env),
            Some(_) | None if step.ours() => self.turn_back(Cause::Failed { step: name, error }),
            Some(_) | None => self.turn_back(Cause::InDoubt { step: name, error }),
        }
    }

    // ---- small questions -----------------------------------------------------------------------------------------

    fn waits_for_retry(&mut self, state: State, env: &Env<'_>) -> bool {
        let waits = self.trying.retry_at.filter(|retry_at| *retry_at > env.now);
        if let Some(retry_at) = waits {
            self.park(state, Some(retry_at));
        }
        waits.is_some()
    }

    fn known<T>(&self, ask: u32, what: impl FnOnce(&Ask) -> T) -> Option<T> {
        self.core.history().asks().get(ask as usize).map(what)
    }

    fn next_position(&self) -> Position {
        Position(self.core.history().len() as i32)
    }

    fn encoded(&self, step: &dyn ErasedStep, value: &AnyStep, env: &Env<'_>) -> Result<Json, StuckCause> {
        let what = || format!("input of step `{}`", step.name());
        let input = step
            .encode(value)
            .map_err(|error| StuckCause::Undecodable { what: what(), error: error.to_string() })?;
        self.oversize(&what(), &input, env).map_or(Ok(input), Err)
    }

    fn oversize(&self, what: &str, json: &Json, env: &Env<'_>) -> Option<StuckCause> {
        let (size, bound) = (json.get().len() as u64, env.settings.entry_bytes_max as u64);
        (size > bound).then(|| StuckCause::Oversize { what: what.to_owned(), size, bound })
    }
}

/// What a poll came to.
enum Polled {
    Wants(Want),
    Returned(Json),
    Failed(Cause),
    Stuck(StuckCause),
}

fn ended(ask: u32, step: &str, input: Option<Json>, outcome: Outcome, pivot: bool) -> Entry {
    Entry::Ended { ask, step: step.to_owned(), input, outcome, pivot }
}

/// The step of a request, read back from the journal alone.
fn recorded_step(ask: &Ask, env: &Env<'_>) -> Result<(Arc<dyn ErasedStep>, AnyStep), StuckCause> {
    let undecodable = |what: String, error: String| StuckCause::Undecodable { what, error };
    let What::Step(name) = &ask.what else {
        return Err(undecodable(ask.what.to_string(), "only steps are undone".into()));
    };
    let step = env.registry.steps.get(name).cloned();
    let step =
        step.ok_or_else(|| undecodable(format!("step `{name}`"), "not known to this binary".into()))?;
    let missing = || undecodable(format!("input of step `{name}`"), "the journal has none".into());
    let value = step
        .decode(ask.input.as_ref().ok_or_else(missing)?)
        .map_err(|error| undecodable(format!("input of step `{name}`"), error.to_string()))?;
    debug_assert!(!matches!(ask.answer, Some(Answer::Rejected(_))), "a refused step is never undone");
    Ok((step, value))
}

/// The mailbox's text is JSON: the column's type has checked it.
fn raw(payload: &str) -> Json {
    let raw = RawValue::from_string(payload.to_owned());
    raw.expect("a json column gives JSON").into()
}

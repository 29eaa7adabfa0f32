//! Going forward: polls the workflow and handles its request.

use crate::{
    journal::Entry,
    machine::{
        call::{Direction, panic_message},
        env::Env,
        need::{Need, Recorded},
        run::Run,
    },
    record::{Cause, Json, State, StuckCause},
    registry::{AnyStep, RecordedEvent},
    saga::{Deadline, Want},
    signs::Doing,
    store::mailbox::Kind,
    time,
};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

/// A poll that takes longer than this is logged, because the whole lane waits for it.
const POLL_REPORTED: Duration = Duration::from_secs(1);

impl Run {
    pub(super) fn go_forward(&mut self, env: &Env<'_>) -> Option<Need> {
        match self.poll(env) {
            Polled::Wants(Want::Step { ask, name, step, pivot }) => {
                self.at = Some(name);
                self.want_step(ask, name, step, pivot, env)
            }
            Polled::Wants(Want::Signal { ask, name, deadline }) => {
                self.at = Some(name);
                self.want_signal(ask, name, deadline, env);
                None
            }
            Polled::Wants(Want::Sleep { ask, until }) => {
                self.at = Some("sleep");
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
                self.mark_stuck(StuckCause::RefusedAfterPivot { at, error: format!("{cause:?}") }, env);
                None
            }
            Polled::Failed(cause) => {
                self.turn_back(cause);
                None
            }
            Polled::Stuck(cause) => {
                self.mark_stuck(cause, env);
                None
            }
        }
    }

    /// The step that the workflow asks for now; `None` if it asks for something else.
    pub fn wanted_step(&mut self, env: &Env<'_>) -> Option<(u32, &'static str, AnyStep, bool)> {
        match self.poll(env) {
            Polled::Wants(Want::Step { ask, name, step, pivot }) => Some((ask, name, step, pivot)),
            Polled::Wants(Want::Signal { .. } | Want::Sleep { .. })
            | Polled::Returned(_)
            | Polled::Failed(_)
            | Polled::Stuck(_) => None,
        }
    }

    /// Journals that a repeatable call may have been made, before the saga unwinds.
    pub fn note_unrecorded(&mut self, env: &Env<'_>) {
        if let Some((ask, name, value, _)) = self.wanted_step(env)
            && let Some(step) = env.registry.steps.get(name).cloned()
            && !step.ours()
        {
            self.note_call(ask, step.as_ref(), &value, env);
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
        let guard = env.busy_with(Doing::Poll(self.core.id()));
        let polled =
            catch_unwind(AssertUnwindSafe(|| attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()))));
        drop(guard);
        env.polled.set(env.polled.get() + began.elapsed());
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
        match (self.core.abandoned_request(), ended) {
            (Some(cause), _) | (None, Ok(Err(cause))) => Polled::Stuck(cause),
            (None, Ok(Ok(output))) => match env.oversize("output of the workflow", output.get().len()) {
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
        self.core.begin_attempt();
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
            self.mark_stuck(StuckCause::Undecodable { what, error: "not known to this binary".into() }, env);
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
            // It is encoded before it runs: a step that can't be journaled must have no effect.
            return match self.encoded(step.as_ref(), &value, env) {
                Ok(input) => {
                    let position = self.next_position();
                    Some(Need::Run { step, value, input, ask, position, pivot })
                }
                Err(cause) => {
                    self.mark_stuck(cause, env);
                    None
                }
            };
        }
        let begun = self.map_ask(ask, |found| (found.first, found.at));
        match begun {
            None if !step.repeatable() => {
                let input = match self.encoded(step.as_ref(), &value, env) {
                    Ok(input) => input,
                    Err(cause) => {
                        self.mark_stuck(cause, env);
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
                let forgotten =
                    matches!((step.key_remembered(), age), (Some(memory), Some(age)) if age > memory);
                // The request to probe holds for one attempt: the other side may not be able to look the call up.
                let wished = self.trying.attempts == 0 && self.core.history().is_to_probe();
                let probe = forgotten || wished;
                self.hand_out(step, value, Direction::Forward { ask }, position, probe, env);
                None
            }
        }
    }

    fn want_signal(&mut self, ask: u32, name: &'static str, deadline: Deadline, env: &Env<'_>) {
        let until = self.map_ask(ask, |found| found.at).flatten().unwrap_or(match deadline {
            Deadline::At(until) => until,
            Deadline::Within(patience) => time::after(env.now, patience),
        });
        let until = self.core.history().extended().map_or(until, |extended| until.max(extended));
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

    /// Waits until this time, or goes on if it is past. A letter of exactly this time still counts, hence `>`.
    fn wait(&mut self, ask: u32, signal: Option<String>, until: DateTime<Utc>, env: &Env<'_>) {
        let known = self.map_ask(ask, |found| found.at).flatten();
        let until = time::within_reach(known.unwrap_or(until));
        let extended = self.core.history().extended().filter(|_| signal.is_some());
        let until = extended.map_or(until, |extended| until.max(extended));
        if env.now > until {
            self.append(Entry::DeadlinePassed { ask, signal });
            return;
        }
        if known.is_none() {
            self.append(Entry::Waiting { ask, signal, until });
        }
        self.park(State::Waiting, Some(until + chrono::Duration::microseconds(1)));
    }
}

/// The result of a poll.
enum Polled {
    Wants(Want),
    Returned(Json),
    Failed(Cause),
    Stuck(StuckCause),
}

/// The mailbox's text is JSON: the column's type has checked it.
fn raw(payload: &str) -> Json {
    let raw = RawValue::from_string(payload.to_owned());
    raw.expect("a json column gives JSON").into()
}

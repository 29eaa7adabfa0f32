//! Calls: when one may be made, and what its end means.

use super::ended;
use crate::{
    journal::{Entry, Outcome},
    machine::{
        call::{CallFailure, CallOut, Direction},
        env::{Env, Leave},
        need::{Need, Recorded},
        run::{HeldBack, Parked, Run},
    },
    medium::CallContext,
    record::{Json, Position, State},
    registry::{AnyStep, CallAnswer, ErasedStep, RecordedEvent},
    step::Way,
    time,
};
use rand::Rng;
use std::sync::Arc;

impl Run {
    pub(super) fn hand_out(
        &mut self,
        step: Arc<dyn ErasedStep>,
        value: AnyStep,
        direction: Direction,
        position: Position,
        probe: bool,
        env: &Env<'_>,
    ) {
        let service = step.service();
        self.place = match env.may_leave(service, self.given_place == Some(service)) {
            Leave::Now(place) => place,
            Leave::Full => return self.stand_in_line(service, env),
            Leave::NotFromHere => {
                self.hold_back(step.as_ref(), &value, &direction, position, probe);
                return self.park(self.moving(State::Running), Some(env.now));
            }
        };
        self.trying.attempts += 1;
        self.trying.since.get_or_insert(env.now);
        self.trying.retry_at = None;
        let cause = self.core.history().undo_cause().cloned();
        let attempt = self.trying.attempts as u32;
        let context = CallContext { saga: self.id(), position, attempt, now: env.now, cause };
        let saga = self.id();
        let (token, lease) = (env.token, env.lease_left());
        self.call = Some(CallOut { saga, token, lease, step, value, direction, probe, context });
        let due_at = Some(env.lease_end());
        self.parked = Some(Parked { state: self.moving(State::Running), due_at, leased: true, stuck: None });
    }

    /// Keeps the call that would be made, for the planner.
    fn hold_back(
        &mut self,
        step: &dyn ErasedStep,
        value: &AnyStep,
        direction: &Direction,
        position: Position,
        probe: bool,
    ) {
        let way = match direction {
            Direction::Forward { .. } => Way::Forward,
            Direction::Back { .. } => Way::Back,
        };
        let (step, described, (_, stakes)) =
            (step.name().to_owned(), step.describe(value, way), step.labels_and_stakes(value, None));
        self.held_back = Some(HeldBack { step, position, probe, described, stakes });
    }

    /// Waits for a place, without a lease. The node that finds the saga due first looks for a place again.
    fn stand_in_line(&mut self, service: &'static str, env: &Env<'_>) {
        self.waits_for = Some(service);
        let patience = env.settings.lease.mul_f64(rand::rng().random_range(1.0..2.0));
        self.park(self.moving(State::Running), Some(time::after(env.now, patience)));
    }

    pub(super) fn call_ended(
        &mut self,
        step: Arc<dyn ErasedStep>,
        value: AnyStep,
        direction: Direction,
        answer: Result<CallAnswer, CallFailure>,
        env: &Env<'_>,
    ) -> Option<Need> {
        let poison = answer.as_ref().ok().and_then(|answer| {
            env.oversize(&format!("output of step `{}`", step.name()), answer.json.get().len())
        });
        if let Some(cause) = poison {
            self.mark_stuck(cause, env);
            return None;
        }
        let failure = match (direction, answer) {
            (Direction::Forward { ask }, Ok(answer)) => {
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
                let cause = self.core.history().undo_cause().cloned()?;
                let entry = Box::new(Recorded::Plain(Entry::UndoEnded { of, undo: undo.json.clone() }));
                let event = Box::new(RecordedEvent::Undone { made, undo, cause });
                return Some(Need::Record { step, value, of, event, entry });
            }
            (Direction::Forward { ask }, Err(failure)) => {
                // It may have been done, so from now on it must be undone if the saga turns back.
                if self.map_ask(ask, |_| ()).is_none() {
                    self.note_call(ask, step.as_ref(), &value, env);
                }
                failure
            }
            (Direction::Back { .. }, Err(failure)) => failure,
        };
        self.failed(step.as_ref(), failure, env);
        None
    }

    /// Journals that a repeatable call was made, once that matters. The present attempts go on.
    pub(super) fn note_call(&mut self, ask: u32, step: &dyn ErasedStep, value: &AnyStep, env: &Env<'_>) {
        match self.encoded(step, value, env) {
            Ok(input) => {
                let step = step.name().to_owned();
                self.core.append(Entry::Started { ask, step, input, at: env.now });
            }
            Err(cause) => self.mark_stuck(cause, env),
        }
    }

    /// The position where a call began, and its fields if no *started* entry has them.
    pub(super) fn of_call(
        &self,
        ask: u32,
        step: &dyn ErasedStep,
        value: &AnyStep,
    ) -> (Position, Option<Json>) {
        match self.map_ask(ask, |found| found.first) {
            Some(first) => (first, None),
            None => (self.next_position(), step.encode(value).ok()),
        }
    }
}

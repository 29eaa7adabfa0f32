//! Handles the answers of the batch's steps, and failures.

use super::ended;
use crate::{
    journal::{Entry, Outcome},
    machine::{call::CallFailure, env::Env, need::Recorded, run::Run},
    record::{Cause, Json, Position, State, StuckCause},
    registry::{CallAnswer, ErasedStep},
    time,
};

impl Run {
    /// Handles a `Tx` step that ran or refused.
    pub fn note_run(
        &mut self,
        ask: u32,
        step: &dyn ErasedStep,
        input: Json,
        pivot: bool,
        answer: Result<CallAnswer, CallFailure>,
        env: &Env<'_>,
    ) {
        let name = step.name();
        match answer {
            Ok(answer) => {
                self.append(ended(ask, name, Some(input), Outcome::Done(answer.json), pivot));
                self.core.hand_over(ask, answer.typed);
            }
            Err(CallFailure::Rejected(mut rejected)) => {
                rejected.step = Some(name.to_owned());
                self.append(ended(ask, name, Some(input), Outcome::Rejected(rejected), pivot));
            }
            Err(failure) => self.failed(step, failure, env),
        }
    }

    /// Handles a `Tx` compensation that ran or failed. If it refuses, it is a debt: there is no other way to undo the step.
    pub fn note_undo(
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

    /// Appends a call's entry after its rows were written.
    pub fn recorded(&mut self, entry: Recorded) {
        match entry {
            Recorded::Plain(entry) => self.append(entry),
            Recorded::Output(entry, ask, answer) => {
                self.append(entry);
                self.core.hand_over(ask, answer.typed);
            }
        }
    }

    /// Handles a failed attempt: it is repeated later, or, if the budget is spent, the saga goes another way.
    pub fn failed(&mut self, step: &dyn ErasedStep, failure: CallFailure, env: &Env<'_>) {
        let back = self.core.history().undo_cause().is_some();
        let mut policy = if back { step.undo_policy() } else { step.policy() };
        policy.attempts_max = policy.attempts_max.min(env.settings.attempts_max);
        if step.ours() {
            self.trying.attempts += 1;
        }
        self.note_attempt(step, &failure, env);
        let since = *self.trying.since.get_or_insert(env.now);
        let elapsed = |wait| (env.now - since).to_std().unwrap_or_default().saturating_add(wait);
        let attempts = self.trying.attempts as u32;
        let (again, error) = match failure {
            CallFailure::Panicked(message) => {
                let at = format!("step `{}`", step.name());
                return self.mark_stuck(StuckCause::Panicked { at, message }, env);
            }
            CallFailure::Contradiction(detail) => {
                return self
                    .mark_stuck(StuckCause::Contradicted { step: step.name().to_owned(), detail }, env);
            }
            CallFailure::Poison(cause) => return self.mark_stuck(cause, env),
            CallFailure::Rejected(rejected) => (None, rejected.to_string()),
            CallFailure::Later(after) => {
                self.trying.attempts -= 1;
                (policy.allows(0, elapsed(after)).then_some(after), "not yet".to_owned())
            }
            CallFailure::Unclear { error, .. } => {
                let wait = policy.wait_after(attempts);
                (policy.allows(attempts, elapsed(wait)).then_some(wait), error)
            }
        };
        self.trying.last_error = Some(error.clone());
        if let Some(wait) = again {
            let retry_at = time::after(env.now, wait);
            self.trying.retry_at = Some(retry_at);
            self.park(self.moving(State::Waiting), Some(retry_at));
        } else {
            self.out_of_attempts(step, error, back, env);
        }
    }

    fn out_of_attempts(&mut self, step: &dyn ErasedStep, error: String, back: bool, env: &Env<'_>) {
        let name = step.name().to_owned();
        let history = self.core.history();
        let (pivoted, owed) = (history.pivoted(), history.next_undo().map(|ask| ask.first));
        drop(history);
        match owed {
            Some(position) if back => self.mark_stuck(StuckCause::Debt { step: name, position, error }, env),
            Some(_) | None if pivoted => {
                self.mark_stuck(StuckCause::FailedAfterPivot { at: name, error }, env)
            }
            Some(_) | None if step.ours() => self.turn_back(Cause::Failed { step: name, error }),
            Some(_) | None => self.turn_back(Cause::InDoubt { step: name, error }),
        }
    }
}

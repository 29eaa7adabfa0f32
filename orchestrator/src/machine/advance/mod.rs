//! How a saga moves: the decisions, without any I/O.
//!
//! [`Run::advance`] goes on until the saga is parked or needs the database. The order of its checks matters: a call's end
//! comes before a cancellation, and a cancellation before the workflow. Nothing turns back after the pivot.

mod answers;
mod calls;
mod forward;
mod trouble;
mod unwind;

use crate::{
    journal::{Ask, Entry, Outcome},
    machine::{env::Env, need::Need, run::Run},
    record::{Cause, Json, Position, State, StuckCause},
    registry::{AnyStep, ErasedStep},
    store::mailbox::Kind,
};

impl Run {
    /// Moves the saga until it is parked (`None`) or needs the database.
    pub fn advance(&mut self, env: &Env<'_>) -> Option<Need> {
        while self.parked.is_none() {
            let entries = self.core.history().len();
            let forward = self.core.history().undo_cause().is_none();
            // Unwinding ends by itself: it undoes each step once.
            if forward && entries > env.settings.journal_entries_max {
                let bound = env.settings.journal_entries_max as u64;
                self.mark_stuck(
                    StuckCause::Oversize { what: "journal".into(), size: entries as u64, bound },
                    env,
                );
            } else if forward && self.row.journal_bytes > env.settings.journal_bytes_max as i64 {
                let (size, bound) =
                    (self.row.journal_bytes.unsigned_abs(), env.settings.journal_bytes_max as u64);
                self.mark_stuck(StuckCause::Oversize { what: "journal in bytes".into(), size, bound }, env);
            } else if let Some(ended) = self.ended.take() {
                self.came_home = Some(ended.began_at);
                let need = self.call_ended(ended.step, ended.value, ended.direction, ended.answer, env);
                if need.is_some() {
                    return need;
                }
            } else if self.row.paused {
                // A call has ended. This is journaled, and nothing more happens.
                self.park(self.moving(State::Running), None);
            } else if self.added() >= env.settings.stretch_steps()
                || self.must_wait_to_be_polled(forward, env)
            {
                self.cut = true;
                self.park(self.moving(State::Running), Some(env.now));
            } else if let Some(by) = self.cancelled().filter(|_| !self.may_have_called_unrecorded()) {
                self.turn_back(Cause::Cancelled { by });
            } else if self.core.history().undo_cause().is_some() {
                if let Some(need) = self.unwind(env) {
                    return Some(need);
                }
            } else if let Some(need) = self.go_forward(env) {
                return Some(need);
            }
        }
        None
    }

    /// The batch has polled other sagas for so long that this one must wait for the next batch.
    fn must_wait_to_be_polled(&self, forward: bool, env: &Env<'_>) -> bool {
        forward && self.attempt.is_none() && env.is_out_of_time()
    }

    /// Who asked to turn back; `None` if nobody did, or if it is no longer possible.
    fn cancelled(&self) -> Option<String> {
        let history = self.core.history();
        if history.pivoted() || history.undo_cause().is_some() {
            return None;
        }
        let letter = self.letters.iter().find(|letter| letter.kind == Kind::Cancel)?;
        Some(letter.sender.clone())
    }

    /// Whether something was tried that the journal doesn't have: a `Tx` step that failed, or a repeatable call that was made
    /// without a *started* entry. The workflow's next request tells which one it was.
    pub fn may_have_called_unrecorded(&self) -> bool {
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

    fn waits_for_retry(&mut self, state: State, env: &Env<'_>) -> bool {
        let waits = self.trying.retry_at.filter(|retry_at| *retry_at > env.now);
        if let Some(retry_at) = waits {
            self.park(state, Some(retry_at));
        }
        waits.is_some()
    }

    fn map_ask<T>(&self, ask: u32, what: impl FnOnce(&Ask) -> T) -> Option<T> {
        self.core.history().asks().get(ask as usize).map(what)
    }

    /// The position of the next entry.
    pub fn next_position(&self) -> Position {
        Position(self.core.history().len() as i32)
    }

    fn encoded(&self, step: &dyn ErasedStep, value: &AnyStep, env: &Env<'_>) -> Result<Json, StuckCause> {
        let what = || format!("input of step `{}`", step.name());
        let input = step
            .encode(value)
            .map_err(|error| StuckCause::Undecodable { what: what(), error: error.to_string() })?;
        env.oversize(&what(), input.get().len()).map_or(Ok(input), Err)
    }
}

fn ended(ask: u32, step: &str, input: Option<Json>, outcome: Outcome, pivot: bool) -> Entry {
    Entry::Ended { ask, step: step.to_owned(), input, outcome, pivot }
}

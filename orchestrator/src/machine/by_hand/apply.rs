//! What each action does to a locked saga: its entries, and how the saga goes on. A saga that is not parked afterwards goes
//! on as in a lane.

use super::{Instruction, NotDone};
use crate::{
    error::StepError,
    journal::{Entry, What},
    machine::{
        call::{CallEnded, Direction},
        env::Env,
        run::{Parked, Pause, Run},
    },
    medium::Tx,
    record::{Action, Cause, Json, Position, State, StuckCause},
};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

/// The longest time that an operator can add: enough for a day, and no way to park a saga for good.
const EXTEND_MAX: chrono::Duration = chrono::Duration::hours(24);

impl Run {
    /// Applies an operator's action.
    pub(super) async fn act(
        &mut self,
        instruction: Instruction<'_>,
        tx: &mut Tx,
        env: &Env<'_>,
    ) -> Result<(), NotDone> {
        let Instruction { action, actor, reason, consented_by } = instruction;
        let operator = Entry::Operator {
            action: action.clone(),
            actor: actor.to_owned(),
            reason: reason.to_owned(),
            consented_by: consented_by.map(str::to_owned),
            at: env.now,
        };
        if !matches!(action, Action::Pause | Action::Extend { .. }) && self.row.paused {
            self.row.paused = false;
            self.pause = Some(Pause::End);
        }
        match action {
            Action::RetryNow | Action::Probe => self.try_by_hand(operator, env),
            Action::Pause => self.pause_by_hand(operator, actor, reason),
            Action::Resume => self.resume_by_hand(operator, env),
            Action::Cancel => {
                self.turn_back_by_hand(operator, Cause::Cancelled { by: actor.to_owned() }, env);
            }
            Action::Compensate { down_to } => {
                down_to.map_or(Ok(()), |to| self.check_began(to))?;
                let cause = Cause::Operator { by: actor.to_owned(), reason: reason.to_owned() };
                self.turn_back_by_hand(operator, cause, env);
            }
            Action::Rewind { to } => {
                self.check_began(*to)?;
                self.note_before_way_back(env);
                self.append(operator);
            }
            Action::SetOutput { output } => self.answer_by_hand(operator, output, env)?,
            Action::Skip => {
                let null: Json = RawValue::NULL.to_owned().into();
                self.answer_by_hand(operator, &null, env)?;
            }
            Action::WriteOff => self.write_off(operator)?,
            Action::MarkResolved { output } => self.resolve(operator, output, env)?,
            // Leased rows don't come here, because nothing is known about a call that is out.
            Action::ReleaseLease => return Err(NotDone::Refused("no call is out".into())),
            Action::Extend { until } => self.extend_by_hand(operator, *until, tx, env).await?,
        }
        Ok(())
    }

    fn try_by_hand(&mut self, operator: Entry, env: &Env<'_>) {
        let dangerous = self.is_dangerous_to_poll();
        self.append(operator);
        if dangerous {
            self.park(self.moving(State::Running), Some(env.now));
        }
    }

    fn pause_by_hand(&mut self, operator: Entry, actor: &str, reason: &str) {
        self.core.append(operator);
        self.pause = Some(Pause::Begin { by: actor.to_owned(), why: reason.to_owned() });
        let (state, stuck) = (self.row.state, self.row.stuck.clone());
        self.parked = Some(Parked { state, due_at: None, leased: false, stuck });
    }

    fn resume_by_hand(&mut self, operator: Entry, env: &Env<'_>) {
        self.core.append(operator);
        if let Some(cause) = self.row.stuck.clone() {
            let due_at = cause.retries().then_some(env.now);
            self.parked = Some(Parked { state: State::Stuck, due_at, leased: false, stuck: Some(cause) });
        }
    }

    /// Refuses a position at which no request of the workflow began.
    fn check_began(&self, at: Position) -> Result<(), NotDone> {
        let began = self.core.history().asks().iter().any(|ask| ask.first == at);
        if began { Ok(()) } else { Err(NotDone::Refused(format!("nothing began at {at}"))) }
    }

    fn write_off(&mut self, operator: Entry) -> Result<(), NotDone> {
        let owed = self.core.history().next_undo().map(|ask| ask.first);
        let of = owed.ok_or_else(|| NotDone::Refused("nothing is owed".into()))?;
        self.append(operator);
        self.append(Entry::UndoEnded { of, undo: RawValue::NULL.to_owned().into() });
        Ok(())
    }

    fn resolve(&mut self, operator: Entry, output: &Json, env: &Env<'_>) -> Result<(), NotDone> {
        let workflow = env.registry.workflows.get(&self.row.workflow, self.row.version);
        let workflow =
            workflow.ok_or_else(|| NotDone::Refused("this node does not know the workflow".into()))?;
        workflow.checks_output(output).map_err(|error| {
            NotDone::Refused(format!("this is not a result of workflow `{}`: {error}", self.row.workflow))
        })?;
        self.append(operator);
        self.append(Entry::Returned { output: output.clone() });
        self.park(State::Completed, None);
        Ok(())
    }

    async fn extend_by_hand(
        &mut self,
        operator: Entry,
        until: DateTime<Utc>,
        tx: &mut Tx,
        env: &Env<'_>,
    ) -> Result<(), NotDone> {
        if until <= env.now || until > env.now + EXTEND_MAX {
            return Err(NotDone::Refused("the new deadline must be within the next 24 hours".into()));
        }
        self.core.append(operator);
        self.extend_reservations(until, tx, env).await?;
        if self.row.paused {
            self.park(self.row.state, None);
        }
        Ok(())
    }

    /// Whether running it here could kill this process or block this thread.
    fn is_dangerous_to_poll(&self) -> bool {
        matches!(
            self.row.stuck,
            Some(StuckCause::PollTooLong { .. } | StuckCause::Hung { .. } | StuckCause::Quarantined { .. })
        )
    }

    fn turn_back_by_hand(&mut self, operator: Entry, cause: Cause, env: &Env<'_>) {
        self.note_before_way_back(env);
        self.append(operator);
        self.append(Entry::TurnedBack { cause });
    }

    /// A repeatable call that failed may have been made without an entry, so it must be undone with the rest.
    fn note_before_way_back(&mut self, env: &Env<'_>) {
        if self.may_have_called_unrecorded() && !self.is_dangerous_to_poll() {
            self.note_unrecorded(env);
        }
        (self.attempt, self.parked) = (None, None);
    }

    /// Gives the workflow's step this output.
    fn answer_by_hand(&mut self, operator: Entry, output: &Json, env: &Env<'_>) -> Result<(), NotDone> {
        let refused = |why: String| Err(NotDone::Refused(why));
        if self.is_dangerous_to_poll() {
            return refused("the workflow can't be asked for its step, because it does not return".into());
        }
        let Some((ask, name, value, pivot)) = self.wanted_step(env) else {
            return refused("the workflow does not ask for a step".into());
        };
        self.parked = None;
        if pivot {
            return refused(format!("step `{name}` decides the saga, and only its own effect can do that"));
        }
        let Some(step) = env.registry.steps.get(name).cloned() else {
            return refused(format!("this node does not know step `{name}`"));
        };
        let answer = match step.decode_output(output) {
            Ok(answer) => answer,
            Err(error) => return refused(format!("this is not an output of step `{name}`: {error}")),
        };
        self.append(operator);
        if step.ours() {
            let input = step.encode(&value).map_err(|error| NotDone::Refused(error.to_string()))?;
            self.labels.extend(step.labels(&value, Some(&answer)));
            self.note_run(ask, step.as_ref(), input, false, Ok(answer), env);
        } else {
            let (saga, token, direction) = (self.id(), env.token, Direction::Forward { ask });
            let (began_at, answer) = (env.now, Ok(answer));
            self.ended = Some(CallEnded { saga, token, step, value, direction, began_at, answer });
        }
        Ok(())
    }

    /// Lets every finished step extend what it has reserved.
    async fn extend_reservations(
        &self,
        until: DateTime<Utc>,
        tx: &mut Tx,
        env: &Env<'_>,
    ) -> Result<(), NotDone> {
        let asks = self.core.history().asks().to_vec();
        for ask in asks.iter().filter(|ask| ask.undone.is_none()) {
            let (What::Step(name), Some(input), Some(made)) = (&ask.what, &ask.input, ask.output()) else {
                continue;
            };
            let step = env.registry.steps.get(name).cloned();
            let step =
                step.ok_or_else(|| NotDone::Refused(format!("this node does not know step `{name}`")))?;
            let value = step.decode(input).map_err(|error| NotDone::Refused(error.to_string()))?;
            (tx.now, tx.context) = (env.now, Some((self.id(), ask.first)));
            match step.extend(&value, made, until, tx).await {
                Ok(()) => {}
                Err(StepError::Database(error)) => return Err(NotDone::Database(error)),
                Err(error) => return Err(NotDone::Refused(format!("step `{name}`: {}", error.chain()))),
            }
        }
        Ok(())
    }
}

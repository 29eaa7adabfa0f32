//! What each action does to a saga that is locked: the entries, and how it goes on. The rest is the lanes' own code.

use crate::{
    error::StepError,
    journal::{Entry, What},
    lane::{CallEnded, Direction, Env, Parked, Pause, Run},
    medium::Tx,
    record::{Action, Cause, Json, State, StuckCause},
};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

/// Why an action was not applied.
pub(super) enum Unapplied {
    /// It makes no sense, for this reason.
    Refused(String),
    /// A statement failed.
    Database(sqlx::Error),
}

/// The longest time that an operator can add: a day's work, not a way to park a saga for good.
const EXTEND_MAX: chrono::Duration = chrono::Duration::hours(24);

/// Applies the action. What is not parked afterwards goes on like in a lane.
#[allow(clippy::too_many_lines, reason = "a table of all actions, an action an arm")]
pub(super) async fn apply(
    run: &mut Run,
    action: &Action,
    by: &super::By,
    consented_by: Option<&str>,
    tx: &mut Tx,
    env: &Env<'_>,
) -> Result<(), Unapplied> {
    let operator = Entry::Operator {
        action: action.clone(),
        actor: by.actor.clone(),
        reason: by.reason.clone(),
        consented_by: consented_by.map(str::to_owned),
        at: env.now,
    };
    if !matches!(action, Action::Pause | Action::Extend { .. }) && run.row.paused {
        run.row.paused = false;
        run.pause = Some(Pause::End);
    }
    match action {
        Action::RetryNow | Action::Probe => {
            let dangerous = dangerous(run);
            run.append(operator);
            if dangerous {
                run.park(run.moving(State::Running), Some(env.now));
            }
        }
        Action::Pause => {
            run.core.append(operator);
            run.pause = Some(Pause::Begin { by: by.actor.clone(), why: by.reason.clone() });
            let (state, stuck) = (run.row.state, run.row.stuck.clone());
            run.parked = Some(Parked { state, due_at: None, leased: false, stuck });
        }
        Action::Resume => {
            run.core.append(operator);
            if let Some(cause) = run.row.stuck.clone() {
                let due_at = cause.retries().then_some(env.now);
                run.parked = Some(Parked { state: State::Stuck, due_at, leased: false, stuck: Some(cause) });
            }
        }
        Action::Cancel => turn_back(run, operator, Cause::Cancelled { by: by.actor.clone() }, env),
        Action::Compensate { down_to } => {
            let began = |to| run.core.history().asks().iter().any(|ask| ask.first == to);
            if let Some(to) = down_to.filter(|to| !began(*to)) {
                return Err(Unapplied::Refused(format!("nothing began at {to}")));
            }
            let cause = Cause::Operator { by: by.actor.clone(), reason: by.reason.clone() };
            turn_back(run, operator, cause, env);
        }
        Action::Rewind { to } => {
            if !run.core.history().asks().iter().any(|ask| ask.first == *to) {
                return Err(Unapplied::Refused(format!("nothing began at {to}")));
            }
            note_unrecorded(run, env);
            run.append(operator);
        }
        Action::SetOutput { output } => answer(run, operator, output, env)?,
        Action::Skip => {
            let null: Json = RawValue::NULL.to_owned().into();
            answer(run, operator, &null, env)?;
        }
        Action::WriteOff => {
            let owed = run.core.history().next_undo().map(|ask| ask.first);
            let of = owed.ok_or_else(|| Unapplied::Refused("nothing is owed".into()))?;
            run.append(operator);
            run.append(Entry::UndoEnded { of, undo: RawValue::NULL.to_owned().into() });
        }
        Action::MarkResolved { output } => {
            let workflow = env.registry.workflows.get(&run.row.workflow, run.row.version);
            let workflow = workflow.ok_or_else(|| Unapplied::Refused("no such workflow here".into()))?;
            workflow.checks_output(output).map_err(|error| {
                Unapplied::Refused(format!("that is no result of workflow `{}`: {error}", run.row.workflow))
            })?;
            run.append(operator);
            run.append(Entry::Returned { output: output.clone() });
            run.park(State::Completed, None);
        }
        // Leased rows don't come here: nothing of a call that is out is known.
        Action::ReleaseLease => return Err(Unapplied::Refused("no call is out".into())),
        Action::Extend { until } => {
            if *until <= env.now || *until > env.now + EXTEND_MAX {
                return Err(Unapplied::Refused("the new deadline must be within the next 24 hours".into()));
            }
            run.core.append(operator);
            extend(run, *until, tx, env).await?;
            if run.row.paused {
                run.park(run.row.state, None);
            }
        }
    }
    Ok(())
}

/// Whether running it here could take this process or this thread along.
fn dangerous(run: &Run) -> bool {
    matches!(
        run.row.stuck,
        Some(StuckCause::PollTooLong { .. } | StuckCause::Hung { .. } | StuckCause::Quarantined { .. })
    )
}

fn turn_back(run: &mut Run, operator: Entry, cause: Cause, env: &Env<'_>) {
    note_unrecorded(run, env);
    run.append(operator);
    run.append(Entry::TurnedBack { cause });
}

/// A repeatable call that failed may have left without an entry: it must be undone with the rest.
fn note_unrecorded(run: &mut Run, env: &Env<'_>) {
    if run.may_have_called_unrecorded() && !dangerous(run) {
        run.note_unrecorded(env);
    }
    (run.attempt, run.parked) = (None, None);
}

/// Gives the workflow's step this output.
fn answer(run: &mut Run, operator: Entry, output: &Json, env: &Env<'_>) -> Result<(), Unapplied> {
    let refused = |why: String| Err(Unapplied::Refused(why));
    if dangerous(run) {
        return refused("nobody can ask the workflow for its step: it does not come back".into());
    }
    let Some((ask, name, value, pivot)) = run.wanted_step(env) else {
        return refused("the workflow does not ask for a step".into());
    };
    run.parked = None;
    if pivot {
        return refused(format!("step `{name}` decides the saga: only its own effect can"));
    }
    let Some(step) = env.registry.steps.get(name).cloned() else {
        return refused(format!("step `{name}` is not known here"));
    };
    let answer = match step.decode_output(output) {
        Ok(answer) => answer,
        Err(error) => return refused(format!("that is no output of step `{name}`: {error}")),
    };
    run.append(operator);
    if step.ours() {
        let input = step.encode(&value).map_err(|error| Unapplied::Refused(error.to_string()))?;
        run.labels.extend(step.labels(&value, Some(&answer)));
        run.ran(ask, step.as_ref(), input, false, Ok(answer), env);
    } else {
        let (saga, token, direction) = (run.id(), env.token, Direction::Forward { ask });
        let (began_at, answer) = (env.now, Ok(answer));
        run.ended = Some(CallEnded { saga, token, step, value, direction, began_at, answer });
    }
    Ok(())
}

/// Lets every step that is done move what it has reserved.
async fn extend(run: &Run, until: DateTime<Utc>, tx: &mut Tx, env: &Env<'_>) -> Result<(), Unapplied> {
    let asks = run.core.history().asks().to_vec();
    for ask in asks.iter().filter(|ask| ask.undone.is_none()) {
        let (What::Step(name), Some(input), Some(made)) = (&ask.what, &ask.input, ask.output()) else {
            continue;
        };
        let step = env.registry.steps.get(name).cloned();
        let step = step.ok_or_else(|| Unapplied::Refused(format!("step `{name}` is not known here")))?;
        let value = step.decode(input).map_err(|error| Unapplied::Refused(error.to_string()))?;
        (tx.now, tx.context) = (env.now, Some((run.id(), ask.first)));
        match step.extend(&value, made, until, tx).await {
            Ok(()) => {}
            Err(StepError::Database(error)) => return Err(Unapplied::Database(error)),
            Err(error) => return Err(Unapplied::Refused(format!("step `{name}`: {}", error.chain()))),
        }
    }
    Ok(())
}

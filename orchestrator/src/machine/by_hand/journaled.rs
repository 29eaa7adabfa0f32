//! Moves one saga as lanes do: what the action begins goes on until a call would be made.

use super::{Aftermath, Instruction, NotDone};
use crate::{
    journal::History,
    machine::{
        env::Env,
        probe::Probe,
        round::run_all,
        run::{Pause, Run},
        turn_error::TurnError,
        write::write,
    },
    medium::Tx,
    record::Status,
    store::{mailbox, sagas},
};

/// Applies the action, runs our own steps that follow, and writes the result.
pub(super) async fn act(
    tx: &mut Tx,
    history: History,
    row: &Status,
    instruction: Instruction<'_>,
    env: &Env<'_>,
) -> Result<Aftermath, NotDone> {
    let saga = row.id;
    let rows = sagas::lock(&mut tx.connection, &[saga]).await?;
    let row =
        rows.into_iter().next().ok_or_else(|| NotDone::Refused("the saga's row has been removed".into()))?;
    let chosen = history.letters_chosen();
    let mut run = Run::new(row, false, history, env);
    run.letters =
        mailbox::read(&mut tx.connection, &[(saga, chosen)]).await?.remove(&saga).unwrap_or_default();
    run.act(instruction, tx, env).await?;
    let mut runs = [run];
    run_all(tx, &mut runs, &mut Probe::default(), env).await?;
    write(tx, &runs, env).await?;
    let [run] = runs;
    Ok(Aftermath::of_run(run))
}

impl Aftermath {
    fn of_run(run: Run) -> Self {
        let paused = match run.pause {
            Some(Pause::Begin { .. }) => true,
            Some(Pause::End) => false,
            None => run.row.paused,
        };
        let (parked, entries_before, next_call) = (run.parked.clone(), run.committed, run.held_back.clone());
        let parked = parked.expect("the round ends when every saga is parked");
        Self {
            history: run.history(),
            entries_before,
            state: parked.state,
            stuck: parked.stuck,
            paused,
            due_at: parked.due_at,
            next_call,
        }
    }
}

impl From<TurnError> for NotDone {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::Repeat(error) | TurnError::Lost(error) => Self::Database(error),
            TurnError::Aborted
            | TurnError::Silent(..)
            | TurnError::Halve(_)
            | TurnError::Fenced { .. }
            | TurnError::Crash(_) => Self::Refused(error.to_string()),
        }
    }
}

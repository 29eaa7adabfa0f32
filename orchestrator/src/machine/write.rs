//! Writes what a batch has done: entries, rows, messages and audit, in a few statements.

use crate::{
    id::SagaId,
    journal::{Entry, Recall},
    machine::{
        env::Env,
        run::{Pause, Run},
        turn_error::TurnError,
    },
    medium::Tx,
    record::{Position, State},
    store::{
        attempts, audit,
        journal::{self, Stretch},
        labels,
        outbox::{self, New},
        sagas::{self, Written},
        troubles::{self, Mark},
    },
    texts::storable,
};
use std::collections::HashMap;

/// Writes the batch. All its rows get one token, so that one of them tells whether it was committed.
pub(crate) async fn write(tx: &mut Tx, runs: &[Run], env: &Env<'_>) -> Result<(), TurnError> {
    let (token, now, node) = (env.token, env.now, env.settings.node.as_str());
    let (kept, gone): (Vec<&Run>, Vec<&Run>) =
        runs.iter().filter(|run| run.left_out.is_none()).partition(|run| !run.vanished);
    let emitted = tx.emitted.take();
    let connection = &mut tx.connection;
    if !gone.is_empty() {
        let gone: Vec<SagaId> = gone.iter().map(|run| run.id()).collect();
        sagas::delete(connection, &gone).await?;
    }
    if kept.is_empty() {
        return Ok(());
    }
    let stretches: Vec<Stretch> =
        kept.iter().filter(|run| run.added() > 0).map(|run| stretch(run)).collect::<Result<_, _>>()?;
    if !stretches.is_empty() {
        journal::append(connection, &stretches, token, node, now).await?;
    }
    // Only a paused saga that moves may have no `due_at`: so a pause begins before the rows are written, and ends after.
    for run in &kept {
        if let Some(Pause::Begin { by, why }) = &run.pause {
            sagas::pause(connection, run.id(), Some((by, why))).await?;
        }
    }
    let bytes: HashMap<SagaId, usize> =
        stretches.iter().map(|stretch| (stretch.id, stretch.entries.len())).collect();
    let bytes_of = |run: &Run| bytes.get(&run.id()).copied().unwrap_or_default() as i64;
    let written: Vec<Written> = kept.iter().map(|run| row(run, bytes_of(run))).collect();
    let rows = sagas::write(connection, &written, token, node, now).await?;
    // They have been locked since the claim, so a missing row is a bug, or the lock was lost with its connection.
    if rows != written.len() as u64 {
        return Err(TurnError::Fenced { written: rows, of: written.len() as u64 });
    }
    for run in kept.iter().filter(|run| matches!(run.pause, Some(Pause::End))) {
        sagas::pause(connection, run.id(), None).await?;
    }
    note_troubles(connection, &kept, env).await?;
    let mut messages: Vec<New> = kept.iter().flat_map(|run| messages(run)).collect();
    messages.extend(emitted.into_iter().filter(|message| !gone.iter().any(|run| run.id() == message.saga)));
    if !messages.is_empty() {
        outbox::add(connection, &messages, now).await?;
    }
    let records: Vec<audit::Record> = kept.iter().filter_map(|run| stuck_record(run)).collect();
    if !records.is_empty() {
        audit::add(connection, &records, now).await?;
    }
    Ok(())
}

/// Writes what only some batches have: attempts without an entry, sagas that get into trouble or out of it, and labels.
async fn note_troubles(
    connection: &mut sqlx::PgConnection,
    runs: &[&Run],
    env: &Env<'_>,
) -> Result<(), TurnError> {
    let failed: Vec<attempts::Ended> = runs.iter().flat_map(|run| run.failed.iter().cloned()).collect();
    if !failed.is_empty() {
        attempts::add(connection, &failed, &env.settings.node, env.now).await?;
    }
    let marks: Vec<Mark> = runs.iter().filter_map(|run| run.mark(env)).collect();
    if !marks.is_empty() {
        troubles::mark(connection, &marks, env.now).await?;
    }
    let labelled = runs
        .iter()
        .flat_map(|run| run.labels.iter().map(|(key, value)| (run.id(), storable(key), storable(value))));
    let labels: Vec<_> = labelled.collect();
    if !labels.is_empty() {
        let labels: Vec<_> = labels.iter().map(|(saga, key, value)| (*saga, &**key, &**value)).collect();
        labels::add(connection, &labels).await?;
    }
    Ok(())
}

fn stretch(run: &Run) -> Result<Stretch, TurnError> {
    let history = run.core.history();
    let entries = serde_json::to_string(&history.entries()[run.committed..])
        .map_err(|error| TurnError::Halve(format!("encoding entries of saga {}: {error}", run.id())))?;
    Ok(Stretch { id: run.id(), position: run.row.journal_len, entries, epoch: run.row.epoch + 1 })
}

fn row(run: &Run, bytes_added: i64) -> Written {
    let parked = run.parked.clone().expect("the round ends when every saga is parked");
    let journal_len_before = run.row.journal_len;
    Written {
        id: run.id(),
        epoch_before: run.row.epoch,
        journal_len_before,
        journal_len: journal_len_before + run.added() as i32,
        bytes_added,
        state: parked.state,
        due_at: parked.due_at,
        leased: parked.leased,
        trying: run.trying.clone(),
        stuck: parked.stuck,
        at_step: run.at,
        cleared: run.has_come_home(),
    }
}

fn messages(run: &Run) -> Vec<New> {
    let history = run.core.history();
    let added = history.entries().iter().enumerate().skip(run.committed);
    let emitted = added.filter_map(|(index, entry)| match entry {
        Entry::Value { recall: Recall::Emitted { kind, payload }, .. } => Some(New {
            saga: run.id(),
            position: Position(index as i32),
            ordinal: 0,
            kind: storable(kind).into_owned(),
            payload: payload.get().to_owned(),
        }),
        _ => None,
    });
    emitted.collect()
}

fn stuck_record(run: &Run) -> Option<audit::Record> {
    let parked = run.parked.as_ref().filter(|parked| parked.state == State::Stuck)?;
    if run.row.state == State::Stuck && run.row.stuck == parked.stuck {
        return None;
    }
    let cause = parked.stuck.as_ref()?;
    Some(audit::Record {
        subject: run.id().uuid(),
        actor: "engine".into(),
        action: "stuck",
        reason: "the saga can't go on by itself".into(),
        detail: serde_json::to_string(cause).unwrap_or_else(|_| "null".into()),
    })
}

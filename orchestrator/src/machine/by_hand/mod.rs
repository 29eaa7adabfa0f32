//! Changes by hand: the only way in which an operator's action changes a saga.
//!
//! The caller owns the transaction. [`LockedSaga::lock`] locks the row; [`LockedSaga::act`] applies the action, lets the
//! machine run our own steps that follow, and writes all of it under the row's epoch. No call is made from here: the saga
//! becomes due, and lanes go on. A caller who rolls back gets a plan.

mod apply;
mod journaled;
mod row_only;

use crate::{
    id::SagaId,
    journal::{Entry, History, Unreadable},
    machine::{env::Env, run::HeldBack},
    medium::Tx,
    record::{Action, State, Status, StuckCause},
    registry::Registry,
    settings::Settings,
    store::{journal, sagas, status},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::sync::Arc;

/// An operator's action, with the people behind it.
#[derive(Clone, Copy, Debug)]
pub struct Instruction<'a> {
    /// The action.
    pub action: &'a Action,
    /// Who asked for it.
    pub actor: &'a str,
    /// Why they asked for it.
    pub reason: &'a str,
    /// Who agreed, if a second person was needed.
    pub consented_by: Option<&'a str>,
}

/// A saga whose row this transaction has locked.
#[derive(Clone, Debug)]
pub struct LockedSaga {
    /// Its row.
    pub status: Status,
    /// Its journal, or why this binary can't read it.
    pub history: Result<History, String>,
    /// The transaction's time, by the database's clock.
    pub now: DateTime<Utc>,
}

/// The saga after an action.
#[derive(Clone, Debug)]
pub struct Aftermath {
    /// Its journal with the new entries. Empty if only the row was changed.
    pub history: Arc<History>,
    /// How many entries the journal had before.
    pub entries_before: usize,
    /// Its state.
    pub state: State,
    /// Why it needs a person even now; `None` if it doesn't.
    pub stuck: Option<StuckCause>,
    /// Whether it is paused.
    pub paused: bool,
    /// When lanes look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// The call that lanes make next, if it goes forward.
    pub next_call: Option<HeldBack>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// It is not allowed, for this reason.
    #[error("{0}")]
    Refused(String),
    /// A statement failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl LockedSaga {
    /// Locks a saga's row, within the connection's lock timeout. `None`: there is no such saga.
    pub async fn lock(connection: &mut PgConnection, saga: SagaId) -> Result<Option<Self>, sqlx::Error> {
        if !sagas::wait_for(connection, saga).await? {
            return Ok(None);
        }
        let now = sagas::now(connection).await?;
        let found = read_saga(connection, saga).await?;
        Ok(found.map(|(status, history)| Self { status, history, now }))
    }

    /// Does the action, in the transaction that has locked the row.
    ///
    /// # Errors
    /// [`NotDone`]; then the transaction must be rolled back.
    pub async fn act(
        &self,
        tx: &mut Tx,
        instruction: Instruction<'_>,
        registry: &Registry,
        settings: &Settings,
    ) -> Result<Aftermath, NotDone> {
        let env = Env::planning(registry, settings, self.now);
        let known = registry.has_workflow(&self.status.workflow, self.status.version);
        match &self.history {
            _ if self.status.leased => {
                row_only::act_during_call(tx, &self.status, instruction).await?;
            }
            // This binary must not run a workflow that it doesn't know, not even to find that out.
            Ok(history) if known => {
                return journaled::act(tx, history.clone(), &self.status, instruction, &env).await;
            }
            Ok(_) | Err(_) => row_only::act_without_journal(tx, &self.status, instruction).await?,
        }
        let left = status::look(&mut tx.connection, self.status.id).await?;
        Ok(Aftermath::of_row(left.ok_or_else(|| NotDone::Refused("the saga's row has been removed".into()))?))
    }
}

impl Aftermath {
    /// The entries that were added.
    pub fn entries(&self) -> &[Entry] {
        &self.history.entries()[self.entries_before..]
    }

    fn of_row(row: Status) -> Self {
        Self {
            history: Arc::default(),
            entries_before: 0,
            state: row.state,
            stuck: row.stuck,
            paused: row.paused,
            due_at: row.due_at,
            next_call: None,
        }
    }
}

/// A saga's row, read without a lock, with its journal or why this binary can't read it. `None`: there is no such saga.
pub async fn read_saga(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<Option<(Status, Result<History, String>)>, sqlx::Error> {
    let Some(status) = status::look(connection, saga).await? else { return Ok(None) };
    let entries = journal::read(connection, &[saga]).await?.remove(&saga);
    Ok(Some((status, fold(entries))))
}

/// The journals of sagas, or why this binary can't read one. A saga without a journal has no entry.
pub async fn read_journals(
    connection: &mut PgConnection,
    sagas: &[SagaId],
) -> Result<std::collections::HashMap<SagaId, Result<History, String>>, sqlx::Error> {
    let journals = journal::read(connection, sagas).await?;
    Ok(journals.into_iter().map(|(saga, entries)| (saga, fold(Some(entries)))).collect())
}

fn fold(entries: Option<Result<Vec<Entry>, Unreadable>>) -> Result<History, String> {
    let entries = entries.unwrap_or_else(|| Ok(Vec::new())).map_err(|error| error.to_string())?;
    History::of(entries).map_err(|error| error.to_string())
}

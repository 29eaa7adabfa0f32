//! By hand: the one door through which an operator's action changes a saga.
//!
//! The caller owns the transaction. [`LockedSaga::lock`] locks the row; [`LockedSaga::act`] applies the action, lets the
//! machine run what follows of ours, and writes it all under the row's epoch. Calls never leave from here: the saga is
//! due, and lanes go on. A caller who rolls back has a plan.

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

/// What an operator wants, and on whose word.
#[derive(Clone, Copy, Debug)]
pub struct Instruction<'a> {
    /// What is to be done.
    pub action: &'a Action,
    /// Who wants it.
    pub actor: &'a str,
    /// Why they want it.
    pub reason: &'a str,
    /// Who agreed, where one person alone may not.
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

/// How an action leaves its saga.
#[derive(Clone, Debug)]
pub struct Aftermath {
    /// Its journal with what was added. Empty where only the row was touched.
    pub history: History,
    /// How many entries the journal had before.
    pub entries_before: usize,
    /// Its state.
    pub state: State,
    /// Why it needs a person even now.
    pub stuck: Option<StuckCause>,
    /// Whether it is paused.
    pub paused: bool,
    /// When lanes look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// The call that lanes make next, while it goes forward.
    pub next_call: Option<HeldBack>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// It makes no sense, for this reason.
    #[error("{0}")]
    Refused(String),
    /// A statement failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl LockedSaga {
    /// Locks a saga's row, however long that takes within the connection's lock timeout. None: there is no such saga.
    pub async fn lock(connection: &mut PgConnection, saga: SagaId) -> Result<Option<Self>, sqlx::Error> {
        if !sagas::wait_for(connection, saga).await? {
            return Ok(None);
        }
        let now = sagas::now(connection).await?;
        let found = read_saga(connection, saga).await?;
        Ok(found.map(|(status, history)| Self { status, history, now }))
    }

    /// Does what the operator wants, in the transaction that has locked the row.
    ///
    /// # Errors
    /// [`NotDone`]; the transaction is to be rolled back.
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
            // What this binary doesn't know it must not run either, not even to find that out.
            Ok(history) if known => {
                return journaled::act(tx, history.clone(), &self.status, instruction, &env).await;
            }
            Ok(_) | Err(_) => row_only::act_without_journal(tx, &self.status, instruction).await?,
        }
        let left = status::look(&mut tx.connection, self.status.id).await?;
        Ok(Aftermath::of_row(left.ok_or_else(|| NotDone::Refused("its row is gone".into()))?))
    }
}

impl Aftermath {
    /// The entries that were added.
    pub fn entries(&self) -> &[Entry] {
        &self.history.entries()[self.entries_before..]
    }

    fn of_row(row: Status) -> Self {
        Self {
            history: History::default(),
            entries_before: 0,
            state: row.state,
            stuck: row.stuck,
            paused: row.paused,
            due_at: row.due_at,
            next_call: None,
        }
    }
}

/// A saga's row, read without a lock, and its journal or why this binary can't read it. None: there is no such saga.
pub async fn read_saga(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<Option<(Status, Result<History, String>)>, sqlx::Error> {
    let Some(status) = status::look(connection, saga).await? else { return Ok(None) };
    let entries = journal::read(connection, &[saga]).await?.remove(&saga);
    Ok(Some((status, fold(entries))))
}

/// Sagas' journals, each or why this binary can't read it. Those of sagas that have none are missing.
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

//! Looking at a saga: its line, what is allowed, what is at stake. Reads only.

use super::{Allowed, Knows, Operator, OperatorError, PlannedCall, Touched, Why, allowed_actions, why};
use crate::{
    SagaId,
    journal::{Ask, History, What},
    lane::{Env, Run},
    registry::Registry,
    step::{Stake, Way},
    store::{
        journal, sagas,
        status::{self, Status},
    },
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use std::time::Duration;

/// A saga as operators see it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its row.
    pub status: Status,
    /// Its journal.
    pub history: History,
    /// Why it is where it is.
    pub why: Why,
    /// What can be done about it.
    pub allowed: Vec<Allowed>,
    /// Its version, for [`Expected`](super::Expected).
    pub etag: String,
    /// What its steps tell of it.
    pub told: Told,
    /// The database's time.
    pub now: DateTime<Utc>,
}

/// What a saga's steps tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Told {
    /// By what it is found.
    pub labels: Vec<(String, String)>,
    /// What is at stake, of steps that are not undone.
    pub stakes: Vec<Stake>,
}

impl Operator {
    /// Looks at a saga.
    pub async fn see(&self, saga: SagaId) -> Result<Seen, OperatorError> {
        let mut connection = self.client.pool.acquire().await?;
        let now = sagas::now(&mut connection).await?;
        let (status, history) = read(&mut connection, saga).await?;
        let registry = self.desk.registry.as_ref();
        Ok(Seen {
            why: why(&status, &history, registry, now),
            allowed: allowed_actions(&status, &history),
            etag: etag(&status),
            told: told(&history, registry),
            status,
            history,
            now,
        })
    }
}

impl Knows for Registry {
    fn workflow(&self, name: &str, version: i32) -> bool {
        self.workflows.get(name, version).is_some()
    }

    fn key_remembered(&self, step: &str) -> Option<Duration> {
        self.steps.get(step)?.key_remembered()
    }
}

/// A row and its journal; fails if the journal has what this binary can't read.
pub(super) async fn read(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<(Status, History), OperatorError> {
    let found = status::look(connection, saga).await?.ok_or(OperatorError::NotFound(saga))?;
    let entries = journal::read(connection, &[saga]).await?.remove(&saga);
    let entries = entries.unwrap_or_else(|| Ok(Vec::new())).map_err(OperatorError::Failed)?;
    let history = History::of(entries).map_err(|error| OperatorError::Failed(error.to_string()))?;
    Ok((found, history))
}

/// The saga's version.
pub(super) fn etag(status: &Status) -> String {
    let paused = if status.paused { "-paused" } else { "" };
    format!("{}-{}-{}{paused}", status.epoch, status.journal_len, status.state)
}

/// The names of what is allowed.
pub(super) fn open(status: &Status, history: &History) -> Vec<&'static str> {
    let allowed = allowed_actions(status, history).into_iter();
    allowed.filter(|allowed| allowed.refused.is_none()).map(|allowed| allowed.action).collect()
}

fn told(history: &History, registry: &Registry) -> Told {
    let mut told = Told::default();
    for ask in history.asks() {
        let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { continue };
        let Some(step) = registry.steps.get(name) else { continue };
        let Ok(value) = step.decode(input) else { continue };
        let (labels, stakes) = step.told(&value, ask.output());
        told.labels
            .extend(labels.into_iter().filter(|label| !told.labels.contains(label)).collect::<Vec<_>>());
        if ask.undone.is_none() {
            told.stakes.extend(stakes);
        }
    }
    told
}

/// The calls that lanes would make next.
pub(super) fn calls(run: &Run, env: &Env<'_>) -> Vec<PlannedCall> {
    let history = run.core.history();
    let owed: Vec<PlannedCall> = history.owed().filter_map(|ask| undo(ask, run.id(), env)).collect();
    if history.back().is_some() {
        return owed;
    }
    let forward = run.held_back.as_ref().map(|call| PlannedCall {
        step: call.step.clone(),
        undo: false,
        position: call.position,
        key: key(run.id(), call.position),
        key_expired: call.probe,
        described: call.described.clone(),
    });
    forward.into_iter().collect()
}

fn undo(ask: &Ask, saga: SagaId, env: &Env<'_>) -> Option<PlannedCall> {
    let What::Step(name) = &ask.what else { return None };
    let step = env.registry.steps.get(name).filter(|step| !step.ours())?;
    let value = step.decode(ask.input.as_ref()?).ok()?;
    let age = ask.at.and_then(|at| (env.now - at).to_std().ok());
    let key_expired = matches!((step.key_remembered(), age), (Some(memory), Some(age)) if age > memory);
    let described = step.describe(&value, Way::Back);
    let (position, key) = (ask.first, key(saga, ask.first));
    Some(PlannedCall { step: name.clone(), undo: true, position, key, key_expired, described })
}

fn key(saga: SagaId, position: crate::Position) -> String {
    format!("{saga}:{position}")
}

/// What this transaction has changed so far, by Postgres's own count.
pub(super) async fn touched(connection: &mut PgConnection) -> Result<Vec<Touched>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select schemaname || '.' || relname as "table!", n_tup_ins as "inserted!", n_tup_upd as "updated!",
               n_tup_del as "deleted!"
        from pg_stat_xact_user_tables
        where n_tup_ins + n_tup_upd + n_tup_del > 0
        order by 1
        "#
    )
    .fetch_all(connection)
    .await?;
    let touched = rows.into_iter().map(|row| Touched {
        table: row.table,
        inserted: row.inserted,
        updated: row.updated,
        deleted: row.deleted,
    });
    Ok(touched.collect())
}

//! Looking at a saga: its line, what is allowed, what is at stake. Reads only.

use super::{Allowed, Knows, Operator, OperatorError, PlannedCall, Touched, Why, allowed_actions, why};
use crate::{
    id::SagaId,
    journal::{Ask, Entry, History, Unreadable, What},
    lane::{Env, Run},
    record::{Action, Attempt, JournalEntry, Position, Stake, Status},
    registry::Registry,
    step::Way,
    store::{attempts, journal, mailbox, sagas, status},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use std::time::Duration;

/// A saga as operators see it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its row.
    pub status: Status,
    /// Its journal; empty if it can't be read.
    pub history: History,
    /// Why its journal can't be read, if it can't: a newer binary may know what this one doesn't.
    pub unreadable: Option<String>,
    /// Why it is where it is.
    pub why: Why,
    /// What can be done about it.
    pub allowed: Vec<Allowed>,
    /// Its version, for [`Expected`](super::Expected).
    pub etag: String,
    /// What its steps tell of it.
    pub told: Told,
    /// Its journal as it stands, whether this binary can read it or not.
    pub entries: Vec<JournalEntry>,
    /// Attempts that ended without an entry.
    pub attempts: Vec<Attempt>,
    /// What others have written to it, oldest first.
    pub letters: Vec<Letter>,
    /// The keys that its calls were made under.
    pub keys: Vec<Key>,
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

/// A letter in a saga's mailbox.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Letter {
    /// `signal` or `cancel`.
    pub kind: &'static str,
    /// The signal's name; empty for a cancellation.
    pub name: String,
    /// The sender's id of it.
    pub sender: String,
    /// What it says.
    pub payload: Value,
    /// When the database got it.
    pub received_at: DateTime<Utc>,
    /// Whether a wait has chosen it. One that came late, or when nobody waited for another, never is.
    pub chosen: bool,
}

/// What a call sends to the other side as its idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Where its step began.
    pub position: Position,
    /// The step.
    pub step: String,
    /// The key.
    pub key: String,
    /// When the other side forgets it, if it says so.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Operator {
    /// Looks at a saga.
    pub async fn see(&self, saga: SagaId) -> Result<Seen, OperatorError> {
        let mut connection = self.client.pool.acquire().await?;
        let now = sagas::now(&mut connection).await?;
        let (status, history) = read(&mut connection, saga).await?;
        let registry = self.desk.registry.as_ref();
        let readable = history.as_ref().ok();
        let chosen = readable.map_or(0, History::letters_chosen);
        let mut letters = mailbox::read(&mut connection, &[(saga, chosen)]).await?;
        let letters = letters.remove(&saga).unwrap_or_default();
        Ok(Seen {
            entries: journal::read_rows(&mut connection, saga).await?,
            attempts: attempts::read(&mut connection, saga).await?,
            letters: letters.into_iter().map(|letter| seen_letter(letter, readable)).collect(),
            keys: readable.map(|history| keys(saga, history, registry)).unwrap_or_default(),
            why: why(&status, readable, registry, now),
            allowed: allowed_actions(&status, readable, registry),
            etag: etag(&status),
            told: readable.map(|history| told(registry.told(history))).unwrap_or_default(),
            unreadable: history.as_ref().err().cloned(),
            history: history.unwrap_or_default(),
            status,
            now,
        })
    }

    /// The attempts of a saga that ended without an entry, oldest first; of very many the latest.
    pub async fn attempts(&self, saga: SagaId) -> Result<Vec<Attempt>, OperatorError> {
        let mut connection = self.client.pool.acquire().await?;
        Ok(attempts::read(&mut connection, saga).await?)
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

/// A row and its journal, or why that can't be read.
pub(super) async fn read(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<(Status, Result<History, String>), OperatorError> {
    let found = status::look(connection, saga).await?.ok_or(OperatorError::NotFound(saga))?;
    let entries = journal::read(connection, &[saga]).await?.remove(&saga);
    Ok((found, history(entries)))
}

/// What a journal means, if this binary can read it.
pub(super) fn history(entries: Option<Result<Vec<Entry>, Unreadable>>) -> Result<History, String> {
    let entries = entries.unwrap_or_else(|| Ok(Vec::new())).map_err(|error| error.to_string())?;
    History::of(entries).map_err(|error| error.to_string())
}

/// The saga's version.
pub(super) fn etag(status: &Status) -> String {
    let paused = if status.paused { "-paused" } else { "" };
    format!("{}-{}-{}{paused}", status.epoch, status.journal_len, status.state)
}

/// The names of what is allowed.
pub(super) fn open(status: &Status, history: Option<&History>, knows: &dyn Knows) -> Vec<&'static str> {
    let allowed = allowed_actions(status, history, knows).into_iter();
    allowed.filter(|allowed| allowed.refused.is_none()).map(|allowed| allowed.action.name()).collect()
}

fn told((labels, stakes): crate::registry::Told) -> Told {
    Told { labels, stakes }
}

fn seen_letter(letter: mailbox::Received, history: Option<&History>) -> Letter {
    let mailbox::Received { kind, name, sender, payload, received_at } = letter;
    Letter {
        chosen: history.is_some_and(|history| history.has_received(&name, &sender)),
        kind: kind.as_str(),
        name,
        sender,
        payload: serde_json::from_str(&payload).unwrap_or_default(),
        received_at,
    }
}

fn keys(saga: SagaId, history: &History, registry: &Registry) -> Vec<Key> {
    let called = history.asks().iter().filter_map(|ask| {
        let What::Step(name) = &ask.what else { return None };
        registry.steps.get(name).filter(|step| !step.ours())?;
        let (position, step) = (ask.first, name.clone());
        Some(Key { position, step, key: key(saga, ask.first), expires_at: expires(ask, registry) })
    });
    called.collect()
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
        key_expired: history.asks().last().is_some_and(|ask| forgotten(ask, env)),
        probe: call.probe,
        described: call.described.clone(),
        stakes: call.stakes.clone(),
    });
    forward.into_iter().collect()
}

fn undo(ask: &Ask, saga: SagaId, env: &Env<'_>) -> Option<PlannedCall> {
    let What::Step(name) = &ask.what else { return None };
    let step = env.registry.steps.get(name).filter(|step| !step.ours())?;
    let value = step.decode(ask.input.as_ref()?).ok()?;
    let (_, stakes) = step.told(&value, ask.output());
    Some(PlannedCall {
        step: name.clone(),
        undo: true,
        position: ask.first,
        key: key(saga, ask.first),
        key_expired: forgotten(ask, env),
        probe: false,
        described: step.describe(&value, Way::Back),
        stakes,
    })
}

/// Whether the other side may have forgotten this call's key.
fn forgotten(ask: &Ask, env: &Env<'_>) -> bool {
    expires(ask, env.registry).is_some_and(|expires_at| expires_at < env.now)
}

/// When the other side forgets this call's key, if it says so.
fn expires(ask: &Ask, knows: &dyn Knows) -> Option<DateTime<Utc>> {
    let What::Step(name) = &ask.what else { return None };
    Some(ask.at? + knows.key_remembered(name)?)
}

/// The money that an action moves: of calls that leave, and of those that an operator takes as answered or undone.
pub(super) fn money(
    history: &History,
    entries: &[Entry],
    calls: &[PlannedCall],
    registry: &Registry,
) -> Vec<Stake> {
    let by_hand = match entries {
        [Entry::Operator { action: Action::WriteOff, .. }, Entry::UndoEnded { of, .. }, ..] => {
            history.asks().iter().find(|ask| ask.first == *of)
        }
        [
            Entry::Operator { action: Action::SetOutput { .. } | Action::Skip, .. },
            Entry::Ended { ask, .. },
            ..,
        ] => history.asks().get(*ask as usize),
        [Entry::Operator { action: Action::MarkResolved { .. }, .. }, ..] => history.asks().last(),
        _ => None,
    };
    let settled = by_hand.map(|ask| stakes(ask, registry)).unwrap_or_default();
    let moved = calls.iter().flat_map(|call| call.stakes.clone());
    Stake::sum(moved.chain(settled).filter(Stake::is_money))
}

/// Things that compensations give back: those that have run with the action, and those that wait for calls before them.
pub(super) fn freed(history: &History, entries: &[Entry], registry: &Registry) -> Vec<Stake> {
    let undone = |ask: &&Ask| {
        let ended = |entry: &Entry| matches!(entry, Entry::UndoEnded { of, .. } if *of == ask.first);
        !ask.written_off && entries.iter().any(ended)
    };
    let undone = history.asks().iter().filter(undone);
    let things = undone.chain(history.owed()).flat_map(|ask| {
        let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { return Vec::new() };
        let Some(step) = registry.steps.get(name) else { return Vec::new() };
        step.decode(input).map(|value| step.told(&value, ask.output()).1).unwrap_or_default()
    });
    Stake::sum(things.filter(|stake| !stake.is_money()))
}

/// What is at stake in a call of the outside.
fn stakes(ask: &Ask, registry: &Registry) -> Vec<Stake> {
    let (What::Step(name), Some(input)) = (&ask.what, &ask.input) else { return Vec::new() };
    let Some(step) = registry.steps.get(name).filter(|step| !step.ours()) else { return Vec::new() };
    step.decode(input).map(|value| step.told(&value, ask.output()).1).unwrap_or_default()
}

fn key(saga: SagaId, position: Position) -> String {
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

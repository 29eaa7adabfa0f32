//! Looking at a saga: its line, what is allowed, what is at stake. Reads only.

use super::{Allowed, Operator, OperatorError, PlannedCall, Touched, Why, allowed_actions, why};
use crate::{
    id::SagaId,
    journal::{Ask, Entry, History, What},
    machine::by_hand::{Aftermath, read_saga},
    record::{Action, Attempt, JournalEntry, Position, Stake, Status},
    registry::{OwedCall, Registry},
    store::{attempts, journal, mailbox, sagas},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

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
        let found = read_saga(&mut connection, saga).await?;
        let (status, history) = found.ok_or(OperatorError::NotFound(saga))?;
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

/// The saga's version.
pub(super) fn etag(status: &Status) -> String {
    let paused = if status.paused { "-paused" } else { "" };
    format!("{}-{}-{}{paused}", status.epoch, status.journal_len, status.state)
}

/// The names of what is allowed.
pub(super) fn open(status: &Status, history: Option<&History>, registry: &Registry) -> Vec<&'static str> {
    let allowed = allowed_actions(status, history, registry).into_iter();
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
        let (position, step) = (ask.first, name.clone());
        registry.is_call(name).then(|| Key {
            position,
            step,
            key: key(saga, position),
            expires_at: expires(ask, registry),
        })
    });
    called.collect()
}

/// The calls that lanes would make next.
pub(super) fn calls(
    saga: SagaId,
    left: &Aftermath,
    registry: &Registry,
    now: DateTime<Utc>,
) -> Vec<PlannedCall> {
    let history = &left.history;
    if history.back().is_some() {
        return history.owed().filter_map(|ask| undo(ask, saga, registry, now)).collect();
    }
    let forward = left.next_call.as_ref().map(|call| PlannedCall {
        step: call.step.clone(),
        undo: false,
        position: call.position,
        key: key(saga, call.position),
        key_expired: history.asks().last().is_some_and(|ask| forgotten(ask, registry, now)),
        probe: call.probe,
        described: call.described.clone(),
        stakes: call.stakes.clone(),
    });
    forward.into_iter().collect()
}

fn undo(ask: &Ask, saga: SagaId, registry: &Registry, now: DateTime<Utc>) -> Option<PlannedCall> {
    let What::Step(name) = &ask.what else { return None };
    let OwedCall { described, stakes } = registry.owed_call(ask)?;
    Some(PlannedCall {
        step: name.clone(),
        undo: true,
        position: ask.first,
        key: key(saga, ask.first),
        key_expired: forgotten(ask, registry, now),
        probe: false,
        described,
        stakes,
    })
}

/// Whether the other side may have forgotten this call's key.
fn forgotten(ask: &Ask, registry: &Registry, now: DateTime<Utc>) -> bool {
    expires(ask, registry).is_some_and(|expires_at| expires_at < now)
}

/// When the other side forgets this call's key, if it says so.
fn expires(ask: &Ask, registry: &Registry) -> Option<DateTime<Utc>> {
    let What::Step(name) = &ask.what else { return None };
    Some(ask.at? + registry.key_remembered(name)?)
}

/// The money that an action moves: of calls that leave, and of those that an operator takes as answered or undone.
pub(super) fn money(left: &Aftermath, calls: &[PlannedCall], registry: &Registry) -> Vec<Stake> {
    let asks = left.history.asks();
    let by_hand = match left.entries() {
        [Entry::Operator { action: Action::WriteOff, .. }, Entry::UndoEnded { of, .. }, ..] => {
            asks.iter().find(|ask| ask.first == *of)
        }
        [
            Entry::Operator { action: Action::SetOutput { .. } | Action::Skip, .. },
            Entry::Ended { ask, .. },
            ..,
        ] => asks.get(*ask as usize),
        [Entry::Operator { action: Action::MarkResolved { .. }, .. }, ..] => asks.last(),
        _ => None,
    };
    let is_call = |ask: &&Ask| matches!(&ask.what, What::Step(name) if registry.is_call(name));
    let settled = by_hand.filter(is_call).map(|ask| registry.stakes_of(ask)).unwrap_or_default();
    let moved = calls.iter().flat_map(|call| call.stakes.clone());
    Stake::sum(moved.chain(settled).filter(Stake::is_money))
}

/// Things that compensations give back: those that have run with the action, and those that wait for calls before them.
pub(super) fn freed(left: &Aftermath, registry: &Registry) -> Vec<Stake> {
    let undone = |ask: &&Ask| {
        let ended = |entry: &Entry| matches!(entry, Entry::UndoEnded { of, .. } if *of == ask.first);
        !ask.written_off && left.entries().iter().any(ended)
    };
    let undone = left.history.asks().iter().filter(undone);
    let things = undone.chain(left.history.owed()).flat_map(|ask| registry.stakes_of(ask));
    Stake::sum(things.filter(|stake| !stake.is_money()))
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

//! Looks at a saga: its line, what is allowed, what is at stake. It only reads.

use crate::{
    action::{Allowed, allowed_actions},
    desk::Operator,
    error::OperatorError,
    keys::{Key, keys},
    why::{Why, why},
};
use chrono::{DateTime, Utc};
use orchestrator::{
    SagaId, Stake, Status,
    journal::History,
    tools::{Attempt, JournalEntry, LabelsAndStakes, Registry, read_saga, rows},
};
use serde::Serialize;
use serde_json::Value;

/// A saga as operators see it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its row.
    pub status: Status,
    /// Its journal; empty if it can't be read.
    pub history: History,
    /// Why its journal can't be read, if it can't. A newer binary may be able to read it.
    pub unreadable: Option<String>,
    /// Why it is where it is.
    pub why: Why,
    /// What can be done about it.
    pub allowed: Vec<Allowed>,
    /// Its version, for [`Expected`](crate::Expected).
    pub etag: String,
    /// What its steps say about it.
    pub summary: SagaSummary,
    /// Its journal as it is stored, whether this binary can read it or not.
    pub entries: Vec<JournalEntry>,
    /// Attempts that failed.
    pub attempts: Vec<Attempt>,
    /// The letters in its mailbox, oldest first.
    pub letters: Vec<Letter>,
    /// The idempotency keys of its calls.
    pub keys: Vec<Key>,
    /// The database's time.
    pub now: DateTime<Utc>,
}

/// What a saga's steps tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SagaSummary {
    /// The labels by which it can be found.
    pub labels: Vec<(String, String)>,
    /// What is at stake in steps that are not undone.
    pub stakes: Vec<Stake>,
}

/// A letter in a saga's mailbox.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Letter {
    /// `signal` or `cancel`.
    pub kind: &'static str,
    /// The signal's name; empty for a cancellation.
    pub name: String,
    /// The sender's id for it.
    pub sender: String,
    /// The content.
    pub payload: Value,
    /// When the database received it.
    pub received_at: DateTime<Utc>,
    /// Whether a wait has chosen it. A letter that came too late, or that no wait needed, is never chosen.
    pub chosen: bool,
}

impl Operator {
    /// Looks at a saga.
    pub async fn see(&self, saga: SagaId) -> Result<Seen, OperatorError> {
        let mut connection = self.pool().acquire().await?;
        let now = rows::now(&mut connection).await?;
        let found = read_saga(&mut connection, saga).await?;
        let (status, history) = found.ok_or(OperatorError::NotFound(saga))?;
        let registry = self.registry();
        let readable = history.as_ref().ok();
        let chosen = readable.map_or(0, History::letters_chosen);
        let mut letters = rows::letters(&mut connection, &[(saga, chosen)]).await?;
        let letters = letters.remove(&saga).unwrap_or_default();
        Ok(Seen {
            entries: rows::journal_entries(&mut connection, saga).await?,
            attempts: rows::attempts(&mut connection, saga).await?,
            letters: letters.into_iter().map(|letter| seen_letter(letter, readable)).collect(),
            keys: readable.map(|history| keys(saga, history, registry)).unwrap_or_default(),
            why: why(&status, readable, registry, now),
            allowed: allowed_actions(&status, readable, registry),
            etag: etag(&status),
            summary: readable.map(|history| summary(registry.labels_and_stakes(history))).unwrap_or_default(),
            unreadable: history.as_ref().err().cloned(),
            history: history.unwrap_or_default(),
            status,
            now,
        })
    }

    /// The attempts of a saga that failed, oldest first; if there are very many, only the latest.
    pub async fn attempts(&self, saga: SagaId) -> Result<Vec<Attempt>, OperatorError> {
        let mut connection = self.pool().acquire().await?;
        Ok(rows::attempts(&mut connection, saga).await?)
    }
}

/// The saga's version.
pub(super) fn etag(status: &Status) -> String {
    let paused = if status.paused { "-paused" } else { "" };
    format!("{}-{}-{}{paused}", status.epoch, status.journal_len, status.state)
}

/// The names of the actions that are allowed.
pub(super) fn open(status: &Status, history: Option<&History>, registry: &Registry) -> Vec<&'static str> {
    let allowed = allowed_actions(status, history, registry).into_iter();
    allowed.filter(|allowed| allowed.refused.is_none()).map(|allowed| allowed.action.name()).collect()
}

fn summary((labels, stakes): LabelsAndStakes) -> SagaSummary {
    SagaSummary { labels, stakes }
}

fn seen_letter(letter: rows::Received, history: Option<&History>) -> Letter {
    let rows::Received { kind, name, sender, payload, received_at } = letter;
    Letter {
        chosen: history.is_some_and(|history| history.has_received(&name, &sender)),
        kind: kind.as_str(),
        name,
        sender,
        payload: serde_json::from_str(&payload).unwrap_or_default(),
        received_at,
    }
}

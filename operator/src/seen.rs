//! Looking at a saga: its line, what is allowed, what is at stake. Reads only.

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
    /// Why its journal can't be read, if it can't: a newer binary may know what this one doesn't.
    pub unreadable: Option<String>,
    /// Why it is where it is.
    pub why: Why,
    /// What can be done about it.
    pub allowed: Vec<Allowed>,
    /// Its version, for [`Expected`](crate::Expected).
    pub etag: String,
    /// What its steps tell of it.
    pub summary: SagaSummary,
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

/// What a saga's steps tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SagaSummary {
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

    /// The attempts of a saga that ended without an entry, oldest first; of very many the latest.
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

/// The names of what is allowed.
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

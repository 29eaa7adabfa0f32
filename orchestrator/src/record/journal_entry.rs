//! An entry of a journal as it is stored, whether this binary can read it or not.

use super::Position;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// An entry of a journal, and who wrote it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalEntry {
    /// Its index in the journal.
    pub position: Position,
    /// The kind of the entry: its only key in JSON.
    pub kind: String,
    /// The content under that key.
    pub body: Value,
    /// The epoch of the claim that it was written under.
    pub epoch: i64,
    /// The node that wrote it, if it is known.
    pub node: Option<String>,
    /// When it was written, by the database's clock.
    pub written_at: DateTime<Utc>,
}

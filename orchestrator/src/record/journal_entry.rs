//! An entry of a journal as it stands, whether this binary can read it or not.

use super::Position;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

/// An entry of a journal, and who wrote it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JournalEntry {
    /// Its index.
    pub position: Position,
    /// What happened: the entry's only key.
    pub kind: String,
    /// What it says.
    pub body: Value,
    /// The claim that it was written under.
    pub epoch: i64,
    /// The node that wrote it, where that is known.
    pub node: Option<String>,
    /// The database's time.
    pub written_at: DateTime<Utc>,
}

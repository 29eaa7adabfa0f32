//! What an action comes to: what is shown before it is done, and must be the same when it is.

use chrono::{DateTime, Utc};
use orchestrator::{Position, SagaId, Stake, State, StuckCause, journal::Entry};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What an action does. Made by doing it in a transaction; a preview rolls that back.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Which saga.
    pub saga: SagaId,
    /// The action's name.
    pub action: &'static str,
    /// The saga's version before: execution expects it.
    pub etag: String,
    /// Entries that are written, with what followed of ours at once.
    pub entries: Vec<Entry>,
    /// The saga's state afterwards.
    pub state: State,
    /// Why it needs a person even then.
    pub stuck: Option<StuckCause>,
    /// Whether it is paused afterwards.
    pub paused: bool,
    /// When lanes look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Rows that change, by table.
    pub touched: Vec<Touched>,
    /// Calls that leave when lanes go on; while it goes back, all that are owed.
    pub calls: Vec<PlannedCall>,
    /// Money that moves: of calls that leave, and of what is taken as settled without one.
    pub money: Vec<Stake>,
    /// Things that are given back: at once, or once the calls before them are answered.
    pub frees: Vec<Stake>,
    /// Domain rows before, as the service shows them.
    pub before: Value,
    /// And after.
    pub after: Value,
    /// Of all this but what the clock decides.
    pub hash: String,
}

/// Rows of one table that an action changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// With its schema.
    pub table: String,
    /// Rows added.
    pub inserted: i64,
    /// Rows changed.
    pub updated: i64,
    /// Rows removed.
    pub deleted: i64,
}

/// A call that would leave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedCall {
    /// The step.
    pub step: String,
    /// Whether its compensation.
    pub undo: bool,
    /// Where the step began.
    pub position: Position,
    /// What is sent as idempotency key.
    pub key: String,
    /// Whether the other side may have forgotten the key.
    pub key_expired: bool,
    /// Whether it first asks what became of an earlier attempt.
    pub probe: bool,
    /// What would be sent, in the step's words.
    pub described: Option<String>,
    /// What is at stake in it.
    pub stakes: Vec<Stake>,
}

impl Plan {
    /// Fills in the hash.
    pub(super) fn hashed(mut self, action: &str) -> Self {
        let mut text = format!("{}\n{action}\n{}\n{}\n", self.saga, self.etag, self.state);
        let stuck = self.stuck.as_ref().map(|cause| serde_json::to_string(cause).unwrap_or_default());
        let _ = writeln!(text, "{stuck:?} {}", self.paused);
        for entry in &self.entries {
            let _ = writeln!(text, "{}", kind(entry));
        }
        // The engine's own tables are partitioned by time; what happens there is said by the entries.
        for touched in self.touched.iter().filter(|touched| !touched.table.starts_with("usher.")) {
            let _ = writeln!(text, "{touched:?}");
        }
        for call in &self.calls {
            let _ = writeln!(text, "{call:?}");
        }
        let _ = writeln!(text, "{:?} {:?} {}", self.money, self.frees, self.before);
        self.hash = hex(&Sha256::digest(text));
        self
    }
}

/// An entry without what the clock or chance put into it.
fn kind(entry: &Entry) -> String {
    match entry {
        Entry::Begun { .. } => "begun".into(),
        Entry::Started { ask, step, .. } => format!("started {ask} {step}"),
        Entry::Ended { ask, step, outcome, .. } => match outcome {
            orchestrator::journal::Outcome::Done(_) => format!("done {ask} {step}"),
            orchestrator::journal::Outcome::Rejected(rejected) => {
                format!("rejected {ask} {step} {}", rejected.code)
            }
        },
        Entry::Waiting { ask, signal, .. } => format!("waiting {ask} {signal:?}"),
        Entry::Received { ask, sender, .. } => format!("received {ask} {sender}"),
        Entry::DeadlinePassed { ask, .. } => format!("passed {ask}"),
        Entry::Value { ask, recall } => format!("value {ask} {}", recall.name()),
        Entry::TurnedBack { .. } => "turned back".into(),
        Entry::UndoStarted { of } => format!("undo started {of}"),
        Entry::UndoEnded { of, .. } => format!("undo ended {of}"),
        Entry::Operator { action, .. } => format!("operator {}", action.name()),
        Entry::RewoundTo { position } => format!("rewound to {position}"),
        Entry::Returned { output } => format!("returned {}", output.get()),
    }
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

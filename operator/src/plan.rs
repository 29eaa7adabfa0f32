//! What an action does. It is shown before the action is done, and must be the same when it is done.

use chrono::{DateTime, Utc};
use orchestrator::{Position, SagaId, Stake, State, StuckCause, journal::Entry};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// What an action does. It is made by doing the action in a transaction, which a preview rolls back.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// The saga's id.
    pub saga: SagaId,
    /// The action's name.
    pub action: &'static str,
    /// The saga's version before, which execution expects.
    pub etag: String,
    /// Entries that are written, including those of our own steps that follow at once.
    pub entries: Vec<Entry>,
    /// The saga's state afterwards.
    pub state: State,
    /// Why the saga needs a person even afterwards.
    pub stuck: Option<StuckCause>,
    /// Whether it is paused afterwards.
    pub paused: bool,
    /// When lanes look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Rows that change, by table.
    pub touched: Vec<Touched>,
    /// Calls that are made when lanes go on; while the saga unwinds, all calls that are owed.
    pub calls: Vec<PlannedCall>,
    /// Money that moves, through calls or because something is taken as settled without a call.
    pub money: Vec<Stake>,
    /// Things that are given back, at once or when the calls before them are answered.
    pub frees: Vec<Stake>,
    /// The service's rows before.
    pub before: Value,
    /// The service's rows after.
    pub after: Value,
    /// The hash of the plan, without what the clock decides.
    pub hash: String,
}

/// Rows of one table that an action changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The table, with its schema.
    pub table: String,
    /// The number of rows added.
    pub inserted: i64,
    /// The number of rows changed.
    pub updated: i64,
    /// The number of rows removed.
    pub deleted: i64,
}

/// A call that would be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedCall {
    /// The step's name.
    pub step: String,
    /// Whether it is a call of the compensation.
    pub undo: bool,
    /// The position where the step began.
    pub position: Position,
    /// The idempotency key that is sent.
    pub key: String,
    /// Whether the other side may have forgotten the key.
    pub key_expired: bool,
    /// Whether it first probes the outcome of an earlier attempt.
    pub probe: bool,
    /// The content that would be sent, in the step's words.
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

/// An entry without the parts that come from the clock or from chance.
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

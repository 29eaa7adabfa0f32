//! One thing that happened in a saga. The JSON of these is data for ever: add variants and optional fields only.

use crate::record::{Action, Cause, Json, Position, Rejected};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An entry of the journal. `ask` counts the workflow's requests in the order the code makes them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The saga exists. Always entry 0.
    Begun {
        /// The workflow's name.
        workflow: String,
        /// Its version; a saga keeps the one it began with.
        version: u32,
        /// What it was started with.
        input: Json,
    },
    /// A call is about to leave; committed before it does.
    Started {
        /// Which request of the workflow.
        ask: u32,
        /// The step.
        step: String,
        /// The step's fields.
        input: Json,
        /// The database's time.
        at: DateTime<Utc>,
    },
    /// A step has its outcome.
    Ended {
        /// Which request of the workflow.
        ask: u32,
        /// The step.
        step: String,
        /// The step's fields, where no *started* entry has them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Json>,
        /// Done, or refused.
        outcome: Outcome,
        /// The step that decided the saga: nothing before it is undone afterwards.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pivot: bool,
    },
    /// The saga waits; for a signal, or (with none) for the time alone.
    Waiting {
        /// Which request of the workflow.
        ask: u32,
        /// The signal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
        /// The deadline, by the database's clock.
        until: DateTime<Utc>,
    },
    /// A wait chose its letter.
    Received {
        /// Which request of the workflow.
        ask: u32,
        /// The signal.
        signal: String,
        /// The sender's id of the letter.
        sender: String,
        /// When the database got it.
        received_at: DateTime<Utc>,
        /// What it says.
        payload: Json,
    },
    /// A wait ended without a letter, or a sleep ended.
    DeadlinePassed {
        /// Which request of the workflow.
        ask: u32,
        /// The signal, as in [`Waiting`](Entry::Waiting).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    /// Something that a replay must not draw, read or send again.
    Value {
        /// Which request of the workflow.
        ask: u32,
        /// What it is.
        recall: Recall,
    },
    /// From here the saga goes back.
    TurnedBack {
        /// Why.
        cause: Cause,
    },
    /// A compensation is about to leave.
    UndoStarted {
        /// The position at which the step began.
        of: Position,
    },
    /// A compensation is done.
    UndoEnded {
        /// The position at which the step began.
        of: Position,
        /// What it reports.
        undo: Json,
    },
    /// An operator acted; the entries that follow are what came of it.
    Operator {
        /// What was done.
        action: Action,
        /// By whom.
        actor: String,
        /// Why.
        reason: String,
        /// Who agreed, where one person alone may not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        consented_by: Option<String>,
        /// The database's time.
        at: DateTime<Utc>,
    },
    /// What began there and later is undone and forgotten: the workflow asks for it anew, under new keys.
    RewoundTo {
        /// Where the first forgotten request began.
        position: Position,
    },
    /// The workflow returned: the saga is completed.
    Returned {
        /// Its result.
        output: Json,
    },
}

/// How a step ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With this output.
    Done(Json),
    /// Surely not done.
    Rejected(Rejected),
}

/// A value that a replay takes from the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recall {
    /// The database's time.
    Now(DateTime<Utc>),
    /// A random id in the saga's bucket.
    Uuid(Uuid),
    /// A message to the outside, in the outbox since this entry's commit.
    Emitted {
        /// Its type, such as `booking.confirmed`.
        kind: String,
        /// Its data.
        payload: Json,
    },
}

impl Recall {
    /// What kind of value it is, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Now(_) => "now",
            Self::Uuid(_) => "uuid",
            Self::Emitted { .. } => "emit",
        }
    }
}

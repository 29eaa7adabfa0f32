//! One thing that happened in a saga. Its JSON is stored for ever: only add variants and optional fields.

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
        /// The workflow's version. A saga keeps the version that it began with.
        version: u32,
        /// The saga's input.
        input: Json,
    },
    /// A call is about to be made. This is committed before.
    Started {
        /// The number of the workflow's request, from 0.
        ask: u32,
        /// The step's name.
        step: String,
        /// The step's input: its fields.
        input: Json,
        /// When it happened, by the database's clock.
        at: DateTime<Utc>,
    },
    /// A step has its outcome.
    Ended {
        /// The number of the workflow's request, from 0.
        ask: u32,
        /// The step's name.
        step: String,
        /// The step's input, if no *started* entry has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        input: Option<Json>,
        /// Whether it is done or refused.
        outcome: Outcome,
        /// Whether the step decided the saga: nothing before it is undone afterwards.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        pivot: bool,
    },
    /// The saga waits for a signal, or only for a time if there is no signal.
    Waiting {
        /// The number of the workflow's request, from 0.
        ask: u32,
        /// The signal's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
        /// The deadline, by the database's clock.
        until: DateTime<Utc>,
    },
    /// A wait has chosen a letter.
    Received {
        /// The number of the workflow's request, from 0.
        ask: u32,
        /// The signal's name.
        signal: String,
        /// The sender's id for the letter.
        sender: String,
        /// When the database received it.
        received_at: DateTime<Utc>,
        /// The payload.
        payload: Json,
    },
    /// A wait ended without a letter, or a sleep ended.
    DeadlinePassed {
        /// The number of the workflow's request, from 0.
        ask: u32,
        /// The signal, as in [`Waiting`](Entry::Waiting).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    /// A value that a replay must not draw, read or send again.
    Value {
        /// The number of the workflow's request, from 0.
        ask: u32,
        /// The value.
        recall: Recall,
    },
    /// The saga turned back: from here it unwinds.
    TurnedBack {
        /// Why it turned back.
        cause: Cause,
    },
    /// A compensation is about to be called.
    UndoStarted {
        /// The position at which the step began.
        of: Position,
    },
    /// A compensation is done.
    UndoEnded {
        /// The position at which the step began.
        of: Position,
        /// What the compensation reports.
        undo: Json,
    },
    /// An operator acted. The entries that follow are the result.
    Operator {
        /// The action.
        action: Action,
        /// Who acted.
        actor: String,
        /// The operator's reason.
        reason: String,
        /// Who agreed, if a second person was needed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        consented_by: Option<String>,
        /// When it happened, by the database's clock.
        at: DateTime<Utc>,
    },
    /// Requests that began there or later are undone and forgotten. The workflow makes them again, under new keys.
    RewoundTo {
        /// The position where the first forgotten request began.
        position: Position,
    },
    /// The workflow returned: the saga is completed.
    Returned {
        /// The workflow's result.
        output: Json,
    },
}

/// How a step ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done, with this output.
    Done(Json),
    /// It was refused, so it was certainly not done.
    Rejected(Rejected),
}

/// A value that a replay takes from the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recall {
    /// When it happened, by the database's clock.
    Now(DateTime<Utc>),
    /// A random id in the saga's bucket.
    Uuid(Uuid),
    /// A message to the outside, in the outbox since this entry's commit.
    Emitted {
        /// The message's type, such as `booking.confirmed`.
        kind: String,
        /// The message's data.
        payload: Json,
    },
}

impl Recall {
    /// The kind of the value, in a word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Now(_) => "now",
            Self::Uuid(_) => "uuid",
            Self::Emitted { .. } => "emit",
        }
    }
}

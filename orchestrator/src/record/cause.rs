//! Why a saga turned back, and why one is stuck: closed lists, stored as JSON and shown to operators.

use crate::record::{Position, Rejected, is_tried_again};
use serde::{Deserialize, Serialize};

/// Why a saga turns back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody asked for it from outside.
    Cancelled {
        /// The name of the sender who asked.
        by: String,
    },
    /// A wait's deadline passed and the workflow gave up.
    Expired {
        /// The signal that never came.
        signal: String,
    },
    /// A step refused, or the workflow itself (then the refusal names no step).
    Rejected(Rejected),
    /// A call spent its budget and its outcome is unknown.
    InDoubt {
        /// The step's name.
        step: String,
        /// The error of the last attempt.
        error: String,
    },
    /// A step of ours failed until its budget was spent; nothing of it was done.
    Failed {
        /// The step's name.
        step: String,
        /// The error of the last attempt.
        error: String,
    },
    /// An operator turned it back.
    Operator {
        /// The operator's name.
        by: String,
        /// The operator's reason.
        reason: String,
    },
}

/// Why a saga needs a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StuckCause {
    /// The workflow's code asks for something else than its journal has.
    Diverged {
        /// The number of the workflow's request, from 0.
        ask: u32,
        /// What the journal has there.
        journal: String,
        /// What the code asks for.
        code: String,
        /// If both ask for one step with different inputs: the fields that differ, with both values.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        difference: Option<String>,
    },
    /// The workflow, a step or a compensation panicked.
    Panicked {
        /// The workflow or step that panicked.
        at: String,
        /// The panic's message.
        message: String,
    },
    /// A journal entry, or the journal, is larger than its bound.
    Oversize {
        /// What was too large.
        what: String,
        /// Its size: bytes, or entries.
        size: u64,
        /// The bound in the same unit.
        bound: u64,
    },
    /// The workflow awaits something outside the engine, so nothing would ever wake it.
    ForeignWait,
    /// The workflow made a request and went on without its answer, so the journal would have a gap.
    Abandoned {
        /// The first of its requests without an answer.
        ask: u32,
        /// What it asked for next.
        next: String,
    },
    /// A compensation spent its budget: what it should undo is still owed.
    Debt {
        /// The step to be undone.
        step: String,
        /// The position where it began.
        position: Position,
        /// The error of the last attempt.
        error: String,
    },
    /// A step after the pivot spent its budget. The saga can't unwind any more, so the step is tried again later.
    FailedAfterPivot {
        /// The step's name.
        at: String,
        /// The error of the last attempt.
        error: String,
    },
    /// A step after the pivot refused, or the workflow itself gave up there. The saga can't unwind any more.
    RefusedAfterPivot {
        /// The step or the workflow.
        at: String,
        /// The refusal.
        error: String,
    },
    /// The other side of a call contradicts what was asked of it.
    Contradicted {
        /// The step's name.
        step: String,
        /// What was asked, and what was answered.
        detail: String,
    },
    /// A poll of the workflow took longer than its bound.
    PollTooLong {
        /// The bound, in milliseconds.
        bound_ms: u64,
    },
    /// Several nodes claimed the saga and none had a result: it may be killing them.
    Quarantined {
        /// How many claims in a row had no result.
        claims: i16,
    },
    /// The database refuses what the saga writes, or a step has broken its transaction.
    Unwritable {
        /// What could not be written.
        what: String,
        /// The database's error.
        error: String,
    },
    /// A step of ours did not return within the time after which a lane counts as stopped.
    Hung {
        /// The step that did not return.
        at: String,
        /// The bound, in milliseconds.
        bound_ms: u64,
    },
    /// This code can't read something recorded.
    Undecodable {
        /// What could not be read.
        what: String,
        /// The error of reading it.
        error: String,
    },
}

impl StuckCause {
    /// What sagas that are stuck for one reason have in common: the place, the kind of error, and the version.
    pub fn in_common(&self, workflow: &str, version: i32) -> String {
        let what = match self {
            Self::Diverged { journal, code, .. } => format!("journal has {journal}, code wants {code}"),
            Self::Panicked { at, .. } => format!("panicked in {at}"),
            Self::Oversize { what, .. } => format!("too large: {what}"),
            Self::ForeignWait => "waits for something foreign".into(),
            Self::Abandoned { next, .. } => format!("abandoned a request for {next}"),
            Self::Debt { step, .. } => format!("compensation of `{step}` is owed"),
            Self::FailedAfterPivot { at, .. } => format!("`{at}` fails after the pivot"),
            Self::RefusedAfterPivot { at, .. } => format!("`{at}` refuses after the pivot"),
            Self::Contradicted { step, .. } => format!("`{step}` is contradicted"),
            Self::PollTooLong { .. } => "a poll takes too long".into(),
            Self::Quarantined { .. } => "quarantined".into(),
            Self::Unwritable { what, .. } => format!("can't be written: {what}"),
            Self::Hung { at, .. } => format!("{at} does not return"),
            Self::Undecodable { what, .. } => format!("can't be read: {what}"),
        };
        format!("{workflow} v{version}: {what}")
    }

    /// Whether it comes from the last of many attempts, so that the error of that attempt belongs to the common cause.
    pub(crate) fn is_of_attempts(&self) -> bool {
        match self {
            Self::Debt { .. } | Self::FailedAfterPivot { .. } => true,
            Self::RefusedAfterPivot { .. }
            | Self::Diverged { .. }
            | Self::Panicked { .. }
            | Self::Oversize { .. }
            | Self::ForeignWait
            | Self::Abandoned { .. }
            | Self::Contradicted { .. }
            | Self::PollTooLong { .. }
            | Self::Quarantined { .. }
            | Self::Unwritable { .. }
            | Self::Hung { .. }
            | Self::Undecodable { .. } => false,
        }
    }

    /// Whether the engine tries again by itself after a while, because the cause may have passed.
    pub fn retries(&self) -> bool {
        match self {
            Self::Debt { .. } | Self::FailedAfterPivot { .. } | Self::Unwritable { .. } => true,
            // It is tried a few times more, alone: its nodes may have died for another reason.
            Self::Quarantined { claims } => is_tried_again(*claims),
            Self::RefusedAfterPivot { .. }
            | Self::Diverged { .. }
            | Self::Panicked { .. }
            | Self::Oversize { .. }
            | Self::ForeignWait
            | Self::Abandoned { .. }
            | Self::Contradicted { .. }
            | Self::PollTooLong { .. }
            | Self::Hung { .. }
            | Self::Undecodable { .. } => false,
        }
    }
}

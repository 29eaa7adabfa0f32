//! Why a saga turned back, and why one is stuck: closed lists, stored as JSON and shown to operators.

use crate::record::{Position, Rejected, is_tried_again};
use serde::{Deserialize, Serialize};

/// Why a saga turns back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Somebody asked for it from outside.
    Cancelled {
        /// Who asked, as the sender named itself.
        by: String,
    },
    /// A wait's deadline passed and the workflow gave up.
    Expired {
        /// The signal that never came.
        signal: String,
    },
    /// A step refused, or the workflow itself did (then the refusal names no step).
    Rejected(Rejected),
    /// A call spent its budget and its outcome is unknown.
    InDoubt {
        /// The step.
        step: String,
        /// What the last attempt said.
        error: String,
    },
    /// A step of ours failed until its budget was spent; nothing of it was done.
    Failed {
        /// The step.
        step: String,
        /// What the last attempt said.
        error: String,
    },
    /// An operator sent it back.
    Operator {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
}

/// Why a saga needs a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StuckCause {
    /// The workflow's code asks for something else than its journal remembers.
    Diverged {
        /// Where in the order of the workflow's requests.
        ask: u32,
        /// What the journal has there.
        journal: String,
        /// What the code wants.
        code: String,
        /// Where both ask for one step with another input: the fields, with both values.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        difference: Option<String>,
    },
    /// The workflow, a step or a compensation panicked.
    Panicked {
        /// Where.
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
    /// The workflow awaits something that is not the engine's, so nothing would ever wake it.
    ForeignWait,
    /// The workflow asked for something and went on without its answer: the journal would have a gap.
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
        /// The position of its start.
        position: Position,
        /// What the last attempt said.
        error: String,
    },
    /// A step after the pivot spent its budget: there is no way back, so it is tried again later.
    FailedAfterPivot {
        /// The step.
        at: String,
        /// What the last attempt said.
        error: String,
    },
    /// A step after the pivot refused, or the workflow itself gave up there, where there is no way back.
    RefusedAfterPivot {
        /// The step, or the workflow.
        at: String,
        /// What it said.
        error: String,
    },
    /// The other side of a call contradicts what was asked of it.
    Contradicted {
        /// The step.
        step: String,
        /// What was asked, what was answered.
        detail: String,
    },
    /// A poll of the workflow took longer than its bound.
    PollTooLong {
        /// The bound, in milliseconds.
        bound_ms: u64,
    },
    /// Several nodes claimed the saga, none of them got anywhere: it may be killing them.
    Quarantined {
        /// How many in a row ended without any result.
        claims: i16,
    },
    /// What it wanted to write can't be written: the database refuses it, or a step has spoilt its transaction.
    Unwritable {
        /// What.
        what: String,
        /// What the database said.
        error: String,
    },
    /// A step of ours did not return within the time after which a lane counts as stopped.
    Hung {
        /// Where.
        at: String,
        /// The bound, in milliseconds.
        bound_ms: u64,
    },
    /// Something recorded cannot be read by this code.
    Undecodable {
        /// What.
        what: String,
        /// Why.
        error: String,
    },
}

impl StuckCause {
    /// What sagas stuck for one reason have in common: where, what kind of error, and under which version.
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

    /// Whether it is the last of many attempts, so that what that met is part of what others have in common with it.
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

    /// Whether the engine itself tries again after a while: the world outside may have recovered.
    pub fn retries(&self) -> bool {
        match self {
            Self::Debt { .. } | Self::FailedAfterPivot { .. } | Self::Unwritable { .. } => true,
            // A few times more, alone: it may only have been there when its nodes died.
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

//! What operators can do to a saga, as journals keep it.

use super::{Json, Position};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An operator's action. The JSON is in journals and audits for ever: add variants and optional fields only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Tries again at once, with a fresh budget.
    RetryNow,
    /// Asks the other side what became of a call in doubt, whatever the age of its key: the next attempt is a
    /// [`probe`](crate::Step::probe). If it was done, that is its answer; if it surely was not, it is done now.
    Probe,
    /// Nothing more is begun until somebody resumes it.
    Pause,
    /// Goes on after a pause.
    Resume,
    /// Turns back, as if its customer had asked for it.
    Cancel,
    /// Answers the step that the workflow asks for, in the operator's name.
    SetOutput {
        /// Of the step's type.
        output: Json,
    },
    /// The same for a step whose output says nothing: `null` must be of its type.
    Skip,
    /// Takes the compensation that is owed as settled, and unwinds what is before it.
    WriteOff,
    /// Completes a saga that can't go on after its pivot, with this result.
    MarkResolved {
        /// Of the workflow's type.
        output: Json,
    },
    /// Turns back: all the way, or until what began there is undone, and then pauses.
    Compensate {
        /// The earliest step to be undone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down_to: Option<Position>,
    },
    /// Undoes what began there and later, and goes forward anew from there, under new keys.
    Rewind {
        /// Where the request began.
        to: Position,
    },
    /// Takes a lease away that nothing seems to be behind. The saga is due at once, and whatever its old holder still
    /// brings counts no more: the call is made again under its key, like after a crash.
    ReleaseLease,
    /// No wait for a signal ends before; what steps have reserved moves along.
    Extend {
        /// By the database's clock.
        until: DateTime<Utc>,
    },
}

/// Which action, whatever its parameters. The JSON is the action's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is explained at the action of its name")]
pub enum ActionKind {
    RetryNow,
    Probe,
    Pause,
    Resume,
    Cancel,
    SetOutput,
    Skip,
    WriteOff,
    MarkResolved,
    Compensate,
    Rewind,
    Extend,
    ReleaseLease,
}

impl Action {
    /// Which action it is.
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::RetryNow => ActionKind::RetryNow,
            Self::Probe => ActionKind::Probe,
            Self::Pause => ActionKind::Pause,
            Self::Resume => ActionKind::Resume,
            Self::Cancel => ActionKind::Cancel,
            Self::SetOutput { .. } => ActionKind::SetOutput,
            Self::Skip => ActionKind::Skip,
            Self::WriteOff => ActionKind::WriteOff,
            Self::MarkResolved { .. } => ActionKind::MarkResolved,
            Self::Compensate { .. } => ActionKind::Compensate,
            Self::Rewind { .. } => ActionKind::Rewind,
            Self::Extend { .. } => ActionKind::Extend,
            Self::ReleaseLease => ActionKind::ReleaseLease,
        }
    }

    /// Its name, as it stands in audits and URLs.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}

impl ActionKind {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 13] = [
        Self::RetryNow,
        Self::Probe,
        Self::Pause,
        Self::Resume,
        Self::Cancel,
        Self::SetOutput,
        Self::Skip,
        Self::WriteOff,
        Self::MarkResolved,
        Self::Compensate,
        Self::Rewind,
        Self::Extend,
        Self::ReleaseLease,
    ];

    /// The action's name, as it stands in journals, audits and URLs.
    pub fn name(self) -> &'static str {
        match self {
            Self::RetryNow => "retry_now",
            Self::Probe => "probe",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::SetOutput => "set_output",
            Self::Skip => "skip",
            Self::WriteOff => "write_off",
            Self::MarkResolved => "mark_resolved",
            Self::Compensate => "compensate",
            Self::Rewind => "rewind",
            Self::Extend => "extend",
            Self::ReleaseLease => "release_lease",
        }
    }

    /// Whether a batch may do it: a position means something in one saga only, and each saga's result is its own.
    pub fn is_for_many(self) -> bool {
        match self {
            Self::RetryNow
            | Self::Probe
            | Self::Pause
            | Self::Resume
            | Self::Cancel
            | Self::SetOutput
            | Self::Skip
            | Self::WriteOff
            | Self::Compensate
            | Self::Extend
            | Self::ReleaseLease => true,
            Self::MarkResolved | Self::Rewind => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_of_the_journal_has_its_kind_under_its_name() {
        let unknown = serde_json::from_str::<Action>(r#""explode""#).unwrap_err().to_string();
        let known: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
        let mut names = ActionKind::ALL.map(ActionKind::name);
        names.sort_unstable();
        let mut sorted = known.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, names, "{unknown}");
        for kind in ActionKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
    }
}

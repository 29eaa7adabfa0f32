//! Operators' actions, as journals store them.

use super::{Json, Position};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An operator's action. Its JSON is in journals and audits for ever: only add variants and optional fields.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Tries again at once, with a fresh budget.
    RetryNow,
    /// Asks the other side for the outcome of a call in doubt, however old its key is: the next attempt is a
    /// [`probe`](crate::Step::probe). If the call was done, that is its answer; if it certainly was not, it is done now.
    Probe,
    /// Begins nothing more until somebody resumes it.
    Pause,
    /// Goes on after a pause.
    Resume,
    /// Turns the saga back, as if its customer had asked for it.
    Cancel,
    /// Answers the step that the workflow asks for, in the operator's name.
    SetOutput {
        /// The output, of the step's type.
        output: Json,
    },
    /// The same for a step without a meaningful output: `null` must be of its type.
    Skip,
    /// Takes the compensation that is owed as settled, and unwinds what is before it.
    WriteOff,
    /// Completes a saga that can't go on after its pivot, with this result.
    MarkResolved {
        /// The result, of the workflow's type.
        output: Json,
    },
    /// Turns the saga back: all the way, or down to a step, and then pauses.
    Compensate {
        /// The earliest step to be undone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down_to: Option<Position>,
    },
    /// Undoes what began there and later, and goes forward again from there, under new keys.
    Rewind {
        /// The position where the request began.
        to: Position,
    },
    /// Takes away a lease that seems to have no call. The saga is due at once, and results of its old holder are ignored: the
    /// call is made again under its key, as after a crash.
    ReleaseLease,
    /// Lets no wait for a signal end before this time, and extends what steps have reserved.
    Extend {
        /// The time, by the database's clock.
        until: DateTime<Utc>,
    },
}

/// An action without its parameters. Its JSON is the action's name.
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

    /// Its name in audits and URLs.
    pub fn name(&self) -> &'static str {
        self.kind().name()
    }
}

impl ActionKind {
    /// All actions, in the order in which they are shown.
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

    /// The action's name in journals, audits and URLs.
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

    /// Whether a batch may do it: a position is valid in one saga only, and each saga has a result of its own.
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

//! What operators can do to a saga, and what of it is allowed in which state.

use super::Knows;
use crate::{
    journal::{History, Json, Position, What},
    store::{sagas::State, status::Status},
};
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

/// Whether an action makes sense now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// The action.
    pub action: ActionKind,
    /// Why not, if not.
    pub refused: Option<String>,
}

/// What is allowed, and why the rest is not. A plan may still refuse: an output of another type is seen only there.
/// Little is allowed with a saga whose journal can't be read.
pub fn allowed_actions(row: &Status, history: Option<&History>, knows: &dyn Knows) -> Vec<Allowed> {
    let allowed = |action| Allowed { action, refused: refusal(action, row, history, knows) };
    ActionKind::ALL.into_iter().map(allowed).collect()
}

/// Why this action is not allowed, if it isn't.
pub(super) fn refusal(
    action: ActionKind,
    row: &Status,
    history: Option<&History>,
    knows: &dyn Knows,
) -> Option<String> {
    if row.state.at_rest() {
        return Some(format!("the saga is {}", row.state));
    }
    if row.leased && waits_for_the_call(action) {
        let until = row.due_at.map(|until| until.to_rfc3339()).unwrap_or_default();
        return Some(format!("a call is out, under a lease until {until}"));
    }
    let known = knows.workflow(&row.workflow, row.version);
    match history.filter(|_| known) {
        Some(history) => refusal_by_journal(action, row, history).map(str::to_owned),
        None => refusal_by_row(action, row, known),
    }
}

/// Whether an action must wait until the call that is out has come home.
fn waits_for_the_call(action: ActionKind) -> bool {
    match action {
        ActionKind::Pause | ActionKind::Resume | ActionKind::Cancel | ActionKind::ReleaseLease => false,
        ActionKind::RetryNow
        | ActionKind::Probe
        | ActionKind::SetOutput
        | ActionKind::Skip
        | ActionKind::WriteOff
        | ActionKind::MarkResolved
        | ActionKind::Compensate
        | ActionKind::Rewind
        | ActionKind::Extend => true,
    }
}

/// What the row alone can say, where the journal can't be read or this binary doesn't know the workflow.
fn refusal_by_row(action: ActionKind, row: &Status, known: bool) -> Option<String> {
    match action {
        ActionKind::RetryNow => None,
        ActionKind::Pause | ActionKind::Resume => pause_refusal(action, row).map(str::to_owned),
        ActionKind::ReleaseLease => lease_refusal(row).map(str::to_owned),
        ActionKind::Probe
        | ActionKind::Cancel
        | ActionKind::SetOutput
        | ActionKind::Skip
        | ActionKind::WriteOff
        | ActionKind::MarkResolved
        | ActionKind::Compensate
        | ActionKind::Rewind
        | ActionKind::Extend => Some(if known {
            "this binary can't read its journal".into()
        } else {
            format!("this binary does not know version {} of `{}`", row.version, row.workflow)
        }),
    }
}

fn refusal_by_journal(action: ActionKind, row: &Status, history: &History) -> Option<&'static str> {
    let (stuck, back, decided) = (row.state == State::Stuck, history.back().is_some(), history.pivoted());
    let is_first =
        |reasons: &[(bool, &'static str)]| reasons.iter().find(|reason| reason.0).map(|reason| reason.1);
    match action {
        ActionKind::RetryNow => None,
        ActionKind::Probe => is_first(&[
            (back, "it is unwinding: the compensation finds out by itself"),
            (!calls(history), "no call is in doubt"),
        ]),
        ActionKind::Pause | ActionKind::Resume => pause_refusal(action, row),
        ActionKind::Cancel | ActionKind::Compensate => is_first(&[
            (decided, "the saga is decided: what is before its pivot is not undone any more"),
            (back, "it is unwinding already"),
        ]),
        ActionKind::Rewind => is_first(&[
            (decided, "the saga is decided: what is before its pivot is not undone any more"),
            (back, "it is unwinding already"),
            (history.asks().is_empty(), "it has begun nothing"),
        ]),
        ActionKind::SetOutput | ActionKind::Skip => is_first(&[
            (back, "it is unwinding; a debt can be written off"),
            (waits(history), "it waits for a signal or the time, not for a step"),
        ]),
        ActionKind::WriteOff => is_first(&[
            (!(back && stuck), "only a compensation that is stuck can be written off"),
            (history.next_undo().is_none(), "nothing is owed"),
        ]),
        ActionKind::MarkResolved => is_first(&[
            (!decided, "it is not decided: let it go on, or compensate it"),
            (!stuck, "it is not stuck"),
        ]),
        ActionKind::Extend => is_first(&[
            (back, "it is unwinding"),
            (stuck, "it is stuck: a later deadline would not help"),
            (decided, "it is decided and waits for no deadline"),
        ]),
        ActionKind::ReleaseLease => lease_refusal(row),
    }
}

fn pause_refusal(action: ActionKind, row: &Status) -> Option<&'static str> {
    match (action == ActionKind::Pause, row.paused) {
        (true, true) => Some("it is paused"),
        (false, false) => Some("it is not paused"),
        (true, false) | (false, true) => None,
    }
}

fn lease_refusal(row: &Status) -> Option<&'static str> {
    match (row.leased, row.silent) {
        (false, _) => Some("no call is out"),
        (true, false) => Some("a call is out, and not for longer than a call may be"),
        (true, true) => None,
    }
}

/// Whether a call has begun and has no answer.
fn calls(history: &History) -> bool {
    let last = history.asks().last();
    last.is_some_and(|ask| ask.answer.is_none() && matches!(ask.what, What::Step(_)))
}

fn waits(history: &History) -> bool {
    let last = history.asks().last();
    last.is_some_and(|ask| ask.answer.is_none() && matches!(ask.what, What::Signal(_) | What::Sleep))
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

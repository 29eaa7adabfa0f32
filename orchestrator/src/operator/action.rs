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

/// Whether an action makes sense now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// The action's name.
    pub action: &'static str,
    /// Why not, if not.
    pub refused: Option<String>,
}

impl Action {
    /// Its name, as it stands in audits and URLs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RetryNow => "retry_now",
            Self::Probe => "probe",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::SetOutput { .. } => "set_output",
            Self::Skip => "skip",
            Self::WriteOff => "write_off",
            Self::MarkResolved { .. } => "mark_resolved",
            Self::Compensate { .. } => "compensate",
            Self::Rewind { .. } => "rewind",
            Self::Extend { .. } => "extend",
            Self::ReleaseLease => "release_lease",
        }
    }
}

/// The names of all actions, in the order in which they are shown.
const ALL: [&str; 13] = [
    "retry_now",
    "probe",
    "pause",
    "resume",
    "cancel",
    "set_output",
    "skip",
    "write_off",
    "mark_resolved",
    "compensate",
    "rewind",
    "extend",
    "release_lease",
];

/// What is allowed, and why the rest is not. A plan may still refuse: an output of another type is seen only there.
/// Of a saga whose journal can't be read little is.
pub fn allowed_actions(row: &Status, history: Option<&History>, knows: &dyn Knows) -> Vec<Allowed> {
    ALL.iter().map(|action| Allowed { action, refused: refusal(action, row, history, knows) }).collect()
}

/// Why this action is not allowed, if it isn't.
pub(super) fn refusal(
    action: &str,
    row: &Status,
    history: Option<&History>,
    knows: &dyn Knows,
) -> Option<String> {
    let said = |text: &str| Some(text.to_owned());
    if row.state.at_rest() {
        return Some(format!("the saga is {}", row.state));
    }
    if action == "release_lease" {
        return match (row.leased, row.silent) {
            (false, _) => said("no call is out"),
            (true, false) => said("a call is out, and not for longer than a call may be"),
            (true, true) => None,
        };
    }
    if row.leased && !matches!(action, "pause" | "resume" | "cancel") {
        let until = row.due_at.map(|until| until.to_rfc3339()).unwrap_or_default();
        return Some(format!("a call is out, under a lease until {until}"));
    }
    let stuck = row.state == State::Stuck;
    let known = knows.workflow(&row.workflow, row.version);
    let Some(history) = history.filter(|_| known) else {
        return match action {
            "pause" if row.paused => said("it is paused"),
            "resume" if !row.paused => said("it is not paused"),
            "pause" | "resume" | "retry_now" => None,
            _ if known => said("this binary can't read its journal"),
            _ => Some(format!("this binary does not know version {} of `{}`", row.version, row.workflow)),
        };
    };
    let back = history.back().is_some();
    match action {
        "probe" if back => said("it goes back: the compensation finds out by itself"),
        "probe" if !calls(history) => said("no call is in doubt"),
        "pause" if row.paused => said("it is paused"),
        "resume" if !row.paused => said("it is not paused"),
        "cancel" | "compensate" | "rewind" if history.pivoted() => {
            said("the saga is decided: what is before its pivot is not undone any more")
        }
        "cancel" | "compensate" | "rewind" if back => said("it goes back already"),
        "rewind" if history.asks().is_empty() => said("it has begun nothing"),
        "set_output" | "skip" if back => said("it goes back; a debt can be written off"),
        "set_output" | "skip" if waits(history) => said("it waits for a signal or the time, not for a step"),
        "write_off" if !(back && stuck) => said("only a compensation that is stuck can be written off"),
        "write_off" if history.next_undo().is_none() => said("nothing is owed"),
        "mark_resolved" if !history.pivoted() => said("it is not decided: let it go on, or turn back"),
        "mark_resolved" if !stuck => said("it is not stuck"),
        "extend" if back => said("it goes back"),
        "extend" if stuck => said("it is stuck: a later deadline would not help"),
        "extend" if history.pivoted() => said("it is decided and waits for no deadline"),
        _ => None,
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

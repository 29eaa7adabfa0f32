//! What operators can do to a saga, and which actions its state allows.

use orchestrator::{
    State, Status,
    journal::{History, What},
    tools::{ActionKind, Registry},
};
use serde::Serialize;

/// Whether an action is allowed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowed {
    /// The action.
    pub action: ActionKind,
    /// Why it is not allowed; `None` if it is.
    pub refused: Option<String>,
}

/// The actions that are allowed, and why the others are not. A plan may still refuse: only there an output of the wrong type
/// is found.
/// Little is allowed with a saga whose journal can't be read.
pub fn allowed_actions(row: &Status, history: Option<&History>, registry: &Registry) -> Vec<Allowed> {
    let allowed = |action| Allowed { action, refused: refusal(action, row, history, registry) };
    ActionKind::ALL.into_iter().map(allowed).collect()
}

/// Why this action is not allowed; `None` if it is.
pub(super) fn refusal(
    action: ActionKind,
    row: &Status,
    history: Option<&History>,
    registry: &Registry,
) -> Option<String> {
    if row.state.at_rest() {
        return Some(format!("the saga is {}", row.state));
    }
    if row.leased && waits_for_the_call(action) {
        let until = row.due_at.map(|until| until.to_rfc3339()).unwrap_or_default();
        return Some(format!("a call is out, under a lease until {until}"));
    }
    let known = registry.has_workflow(&row.workflow, row.version);
    match history.filter(|_| known) {
        Some(history) => refusal_by_journal(action, row, history).map(str::to_owned),
        None => refusal_by_row(action, row, known),
    }
}

/// Whether an action must wait until the call that is out has ended.
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

/// Refusals that need only the row: the journal can't be read, or this binary doesn't know the workflow.
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
    let (stuck, back, decided) =
        (row.state == State::Stuck, history.undo_cause().is_some(), history.pivoted());
    let is_first =
        |reasons: &[(bool, &'static str)]| reasons.iter().find(|reason| reason.0).map(|reason| reason.1);
    match action {
        ActionKind::RetryNow => None,
        ActionKind::Probe => is_first(&[
            (back, "it is unwinding, and the compensation finds out by itself"),
            (!calls(history), "no call is in doubt"),
        ]),
        ActionKind::Pause | ActionKind::Resume => pause_refusal(action, row),
        ActionKind::Cancel | ActionKind::Compensate => is_first(&[
            (decided, "the saga is decided, so nothing before its pivot can be undone"),
            (back, "it is already unwinding"),
        ]),
        ActionKind::Rewind => is_first(&[
            (decided, "the saga is decided, so nothing before its pivot can be undone"),
            (back, "it is already unwinding"),
            (history.asks().is_empty(), "it has not begun a step yet"),
        ]),
        ActionKind::SetOutput | ActionKind::Skip => is_first(&[
            (back, "it is unwinding; only a debt can be written off"),
            (waits(history), "it waits for a signal or for a time, not for a step"),
        ]),
        ActionKind::WriteOff => is_first(&[
            (!(back && stuck), "only a compensation that is stuck can be written off"),
            (history.next_undo().is_none(), "nothing is owed"),
        ]),
        ActionKind::MarkResolved => is_first(&[
            (!decided, "it is not decided yet: let it go on, or compensate it"),
            (!stuck, "it is not stuck"),
        ]),
        ActionKind::Extend => is_first(&[
            (back, "it is unwinding"),
            (stuck, "it is stuck, and a later deadline would not help"),
            (decided, "it is decided, and waits for no deadline"),
        ]),
        ActionKind::ReleaseLease => lease_refusal(row),
    }
}

fn pause_refusal(action: ActionKind, row: &Status) -> Option<&'static str> {
    match (action == ActionKind::Pause, row.paused) {
        (true, true) => Some("it is already paused"),
        (false, false) => Some("it is not paused"),
        (true, false) | (false, true) => None,
    }
}

fn lease_refusal(row: &Status) -> Option<&'static str> {
    match (row.leased, row.silent) {
        (false, _) => Some("no call is out"),
        (true, false) => Some("a call is out, but not for longer than a call may be"),
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

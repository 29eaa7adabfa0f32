//! Why a saga is where it is: one typed line for each that isn't moving.

use chrono::{DateTime, Utc};
use orchestrator::{
    State, Status, StuckCause,
    journal::{History, What},
    tools::Registry,
};
use serde::Serialize;

/// What the line is said of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Why {
    /// It is over.
    AtRest {
        /// Completed or unwound.
        state: State,
    },
    /// Somebody stopped it.
    Paused {
        /// Who.
        by: String,
        /// As they said.
        reason: String,
    },
    /// A call is out.
    CallOut {
        /// Which step.
        step: String,
        /// The node that made it.
        node: String,
        /// Until then.
        until: DateTime<Utc>,
    },
    /// A call is out, by its lease, for longer than any call may be: perhaps nothing is behind the lease.
    Silent {
        /// Which step.
        step: String,
        /// The node whose lease it is.
        node: String,
        /// When the saga was written last.
        since: DateTime<Utc>,
    },
    /// For a letter.
    WaitingForSignal {
        /// What is waited for.
        signal: String,
        /// Since then.
        since: DateTime<Utc>,
        /// The latest moment to get it.
        deadline: DateTime<Utc>,
    },
    /// For the time alone.
    Sleeping {
        /// Until then.
        until: DateTime<Utc>,
    },
    /// A step, or its compensation, failed and is tried again.
    Retrying {
        /// Which step.
        step: String,
        /// Whether its compensation.
        undo: bool,
        /// The number of the next attempt.
        attempt: i32,
        /// When that is.
        next: DateTime<Utc>,
        /// What the last one said.
        error: String,
        /// The other side's code for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// A lane will have it in a moment, or should have had it by now.
    Due {
        /// Since then.
        since: DateTime<Utc>,
    },
    /// It has been due for longer than a minute, so no node's lanes know its workflow; nor does this binary.
    UnknownVersion {
        /// Its workflow.
        workflow: String,
        /// Its version.
        version: i32,
    },
    /// A call began, nobody knows how it ended, and the other side has forgotten its key.
    OutcomeUnknown {
        /// Which step.
        step: String,
        /// When the other side forgot.
        key_expired_at: DateTime<Utc>,
    },
    /// The engine gave it up.
    Stuck {
        /// Why.
        cause: StuckCause,
        /// How often it was tried.
        times: i32,
        /// When the engine tries again by itself.
        again: Option<DateTime<Utc>>,
        /// The other side's code for what the last attempt met.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// This binary can't read its journal, and nobody has given it up yet.
    Unreadable {
        /// Why not.
        error: String,
    },
}

/// How long a saga is due before that says something: every sweep of every node has passed it over many times. The same as
/// `usher.overdue_after()`, by which lists and numbers go.
pub(super) const OVERDUE: chrono::Duration = chrono::Duration::minutes(1);

/// Whether nobody took a saga that has been due since then, if it is neither paused nor stuck.
pub(super) fn overdue(due: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    due < now - OVERDUE
}

/// The line of a saga. Without its history, which can't be read, the row alone must say it.
pub fn why(row: &Status, history: Option<&History>, registry: &Registry, now: DateTime<Utc>) -> Why {
    let empty = History::default();
    let readable = history.is_some();
    let history = history.unwrap_or(&empty);
    if row.state.at_rest() {
        return Why::AtRest { state: row.state };
    }
    let (step, undo) = if readable { tried(row, history) } else { at_row(row) };
    if row.leased && row.due_at.is_some_and(|until| until > now) {
        let node = row.node.clone().unwrap_or_default();
        if row.silent {
            return Why::Silent { step, node, since: row.updated_at };
        }
        return Why::CallOut { step, node, until: row.due_at.unwrap_or(now) };
    }
    if row.paused {
        let by = row.paused_by.clone().unwrap_or_else(|| "somebody".into());
        return Why::Paused { by, reason: row.paused_why.clone().unwrap_or_default() };
    }
    if let Some(cause) = &row.stuck {
        let (cause, code) = (cause.clone(), row.code.clone());
        return Why::Stuck { cause, times: row.attempts, again: row.due_at, code };
    }
    let due = row.due_at.unwrap_or(now);
    if overdue(due, now) && !registry.has_workflow(&row.workflow, row.version) {
        return Why::UnknownVersion { workflow: row.workflow.clone(), version: row.version };
    }
    if let Some(next) = row.retry_at.filter(|next| *next > now) {
        if let Some(key_expired_at) = forgotten(history, registry, now) {
            return Why::OutcomeUnknown { step, key_expired_at };
        }
        let error = row.last_error.clone().unwrap_or_default();
        let code = row.code.clone();
        return Why::Retrying { step, undo, attempt: row.attempts + 1, next, error, code };
    }
    if !readable {
        return Why::Unreadable { error: "this binary can't read its journal".into() };
    }
    let open = history.asks().last().filter(|ask| ask.answer.is_none());
    match open.map(|ask| &ask.what) {
        Some(What::Signal(signal)) if due > now => {
            Why::WaitingForSignal { signal: signal.clone(), since: row.updated_at, deadline: due }
        }
        Some(What::Sleep) if due > now => Why::Sleeping { until: due },
        Some(What::Step(_) | What::Value(_) | What::Signal(_) | What::Sleep) | None => {
            Why::Due { since: due }
        }
    }
}

/// The step that the row says it is at.
fn at_row(row: &Status) -> (String, bool) {
    let step = row.step.clone().unwrap_or_else(|| "its next step".into());
    (step, row.state == State::Unwinding)
}

/// The step that is tried, or undone.
fn tried(row: &Status, history: &History) -> (String, bool) {
    let named = |what: Option<&What>| match what {
        Some(What::Step(name)) => name.clone(),
        Some(other) => other.to_string(),
        None => "its first step".into(),
    };
    match history.next_undo() {
        Some(ask) => (named(Some(&ask.what)), true),
        None => {
            let open = history.asks().last().filter(|ask| ask.answer.is_none());
            (open.map_or_else(|| at_row(row).0, |ask| named(Some(&ask.what))), false)
        }
    }
}

fn forgotten(history: &History, registry: &Registry, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ask = history.asks().last().filter(|ask| ask.answer.is_none())?;
    let What::Step(name) = &ask.what else { return None };
    let expired = ask.at? + registry.key_remembered(name)?;
    (expired < now).then_some(expired)
}

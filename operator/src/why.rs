//! Why a saga is where it is: a typed reason for each saga that isn't moving.

use chrono::{DateTime, Utc};
use orchestrator::{
    State, Status, StuckCause,
    journal::{History, What},
    tools::Registry,
};
use serde::Serialize;

/// What the reason is computed from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Why {
    /// The saga is at rest.
    AtRest {
        /// The state: completed or unwound.
        state: State,
    },
    /// Somebody paused it.
    Paused {
        /// Who paused it.
        by: String,
        /// The reason that they gave.
        reason: String,
    },
    /// A call is out, under a lease that has not ended.
    CallOut {
        /// The step's name.
        step: String,
        /// The node that made it.
        node: String,
        /// The end of the lease.
        until: DateTime<Utc>,
    },
    /// According to its lease, a call has been out for longer than any call may be: perhaps no call is out at all.
    Silent {
        /// The step's name.
        step: String,
        /// The node whose lease it is.
        node: String,
        /// When the saga was written last.
        since: DateTime<Utc>,
    },
    /// It waits for a letter.
    WaitingForSignal {
        /// The name of the signal.
        signal: String,
        /// When it began to wait.
        since: DateTime<Utc>,
        /// The latest time to get it.
        deadline: DateTime<Utc>,
    },
    /// It waits for a time.
    Sleeping {
        /// When it goes on.
        until: DateTime<Utc>,
    },
    /// A step or its compensation failed and will be tried again.
    Retrying {
        /// The step's name.
        step: String,
        /// Whether it is the compensation.
        undo: bool,
        /// The number of the next attempt.
        attempt: i32,
        /// When that attempt is due.
        next: DateTime<Utc>,
        /// The error of the last attempt.
        error: String,
        /// The other side's code for that error.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// It is due: a lane will take it in a moment, or should have taken it by now.
    Due {
        /// When it became due.
        since: DateTime<Utc>,
    },
    /// It has been due for longer than a minute, and this binary does not know its workflow: no node's lanes know it either.
    UnknownVersion {
        /// The name of its workflow.
        workflow: String,
        /// The version of its workflow.
        version: i32,
    },
    /// A call's outcome is unknown, and the other side has forgotten its key.
    OutcomeUnknown {
        /// The step's name.
        step: String,
        /// When the other side forgot the key.
        key_expired_at: DateTime<Utc>,
    },
    /// It is stuck.
    Stuck {
        /// The cause.
        cause: StuckCause,
        /// How often the step or compensation was tried.
        times: i32,
        /// When the engine tries again by itself; `None` if it does not.
        again: Option<DateTime<Utc>>,
        /// The other side's code for the error of the last attempt.
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// This binary can't read its journal, and it is not stuck.
    Unreadable {
        /// Why the journal can't be read.
        error: String,
    },
}

/// How long a saga must be due before it counts as overdue: by then every sweep of every node has passed it over many times.
/// It is the same as `usher.overdue_after()`, which lists and numbers use.
pub(super) const OVERDUE: chrono::Duration = chrono::Duration::minutes(1);

/// Whether a saga that has been due since then is overdue, if it is neither paused nor stuck.
pub(super) fn overdue(due: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    due < now - OVERDUE
}

/// The reason of a saga. If its history can't be read, the row alone must tell it.
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

/// The step that the saga is at, according to its row.
fn at_row(row: &Status) -> (String, bool) {
    let step = row.step.clone().unwrap_or_else(|| "its next step".into());
    (step, row.state == State::Unwinding)
}

/// The step that is being tried or undone.
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

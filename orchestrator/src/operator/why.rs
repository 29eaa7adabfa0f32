//! Why a saga is where it is: one typed line for each that isn't moving.

use crate::{
    cause::StuckCause,
    journal::{History, Position, What},
    store::{sagas::State, status::Status},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{fmt, time::Duration};

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
    },
    /// A lane will have it in a moment, or should have had it by now.
    Due {
        /// Since then.
        since: DateTime<Utc>,
    },
    /// It is due, and this binary does not know its workflow.
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
    },
}

/// What a binary knows of workflows and steps.
pub trait Knows {
    /// Whether it can run them.
    fn workflow(&self, name: &str, version: i32) -> bool;
    /// How long the other side of this step remembers a key.
    fn key_remembered(&self, step: &str) -> Option<Duration>;
}

/// The line of a saga.
pub fn why(row: &Status, history: &History, knows: &dyn Knows, now: DateTime<Utc>) -> Why {
    if row.state.at_rest() {
        return Why::AtRest { state: row.state };
    }
    let (step, undo) = tried(history);
    if row.leased && row.due_at.is_some_and(|until| until > now) {
        let node = row.node.clone().unwrap_or_default();
        return Why::CallOut { step, node, until: row.due_at.unwrap_or(now) };
    }
    if row.paused {
        let by = row.paused_by.clone().unwrap_or_else(|| "somebody".into());
        return Why::Paused { by, reason: row.paused_why.clone().unwrap_or_default() };
    }
    if let Some(cause) = &row.stuck {
        return Why::Stuck { cause: cause.clone(), times: row.attempts, again: row.due_at };
    }
    let due = row.due_at.unwrap_or(now);
    if due <= now && !knows.workflow(&row.workflow, row.version) {
        return Why::UnknownVersion { workflow: row.workflow.clone(), version: row.version };
    }
    if let Some(next) = row.retry_at.filter(|next| *next > now) {
        if let Some(key_expired_at) = forgotten(history, knows, now) {
            return Why::OutcomeUnknown { step, key_expired_at };
        }
        let error = row.last_error.clone().unwrap_or_default();
        return Why::Retrying { step, undo, attempt: row.attempts + 1, next, error };
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

/// The step that is tried, or undone.
fn tried(history: &History) -> (String, bool) {
    let named = |what: Option<&What>| match what {
        Some(What::Step(name)) => name.clone(),
        Some(other) => other.to_string(),
        None => "its first step".into(),
    };
    match history.next_undo() {
        Some(ask) => (named(Some(&ask.what)), true),
        None => {
            let open = history.asks().last().filter(|ask| ask.answer.is_none());
            (open.map_or_else(|| "its next step".into(), |ask| named(Some(&ask.what))), false)
        }
    }
}

fn forgotten(history: &History, knows: &dyn Knows, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let ask = history.asks().last().filter(|ask| ask.answer.is_none())?;
    let What::Step(name) = &ask.what else { return None };
    let expired = ask.at? + knows.key_remembered(name)?;
    (expired < now).then_some(expired)
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtRest { state } => write!(f, "at rest: {state}"),
            Self::Paused { by, reason } => write!(f, "paused by {by}: {reason}"),
            Self::CallOut { step, node, until } => {
                write!(f, "call `{step}` is out on {node} until {}", time(until))
            }
            Self::WaitingForSignal { signal, since, deadline } => {
                write!(f, "waiting for {signal} since {}, deadline {}", time(since), time(deadline))
            }
            Self::Sleeping { until } => write!(f, "sleeping until {}", time(until)),
            Self::Retrying { step, undo, attempt, next, error } => {
                let what = if *undo { "compensation of " } else { "" };
                write!(f, "retrying {what}{step} #{attempt}, next {}, {error}", time(next))
            }
            Self::Due { since } => write!(f, "due since {}", time(since)),
            Self::UnknownVersion { workflow, version } => {
                write!(f, "no node knows version {version} of workflow `{workflow}`")
            }
            Self::OutcomeUnknown { step, key_expired_at } => {
                write!(f, "outcome of {step} unknown, key expired {}", time(key_expired_at))
            }
            Self::Stuck { cause, times, again } => {
                stuck(f, cause, *times)?;
                again.as_ref().map_or(Ok(()), |again| write!(f, ", again {}", time(again)))
            }
        }
    }
}

fn stuck(f: &mut fmt::Formatter<'_>, cause: &StuckCause, times: i32) -> fmt::Result {
    match cause {
        StuckCause::Diverged { ask, journal, code } => {
            write!(f, "journal does not match: expected {journal} at {ask}, workflow asks {code}")
        }
        StuckCause::Panicked { at, message } => write!(f, "{at} panicked: {message}"),
        StuckCause::Oversize { what, size, bound } => write!(f, "{what} has {size}, more than {bound}"),
        StuckCause::ForeignWait => write!(f, "workflow waits for something that nobody will wake"),
        StuckCause::Abandoned { ask, next } => {
            write!(f, "workflow went on to {next} without the answer to its request {ask}")
        }
        StuckCause::Debt { step, position: Position(at), error } => {
            write!(f, "compensation {step} of {at} failed {times}×: {error}")
        }
        StuckCause::FailedAfterPivot { at, error } => {
            write!(f, "{at} failed {times}× after the pivot: {error}")
        }
        StuckCause::RefusedAfterPivot { at, error } => write!(f, "{at} refused after the pivot: {error}"),
        StuckCause::Contradicted { step, detail } => write!(f, "{step} contradicted: {detail}"),
        StuckCause::PollTooLong { bound_ms } => {
            write!(f, "a poll of the workflow took longer than {bound_ms} ms")
        }
        StuckCause::Quarantined { claims } => {
            write!(f, "quarantined: {claims} claims ended without an entry")
        }
        StuckCause::Undecodable { what, error } => write!(f, "{what} can't be read: {error}"),
    }
}

fn time(moment: &DateTime<Utc>) -> String {
    moment.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

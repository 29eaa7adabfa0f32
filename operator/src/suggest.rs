//! What to try first with sagas that share a cause: a closed table. It only advises; what is allowed is decided elsewhere.

use orchestrator::{
    StuckCause,
    tools::{
        ActionKind::{self, Compensate, MarkResolved, Probe, ReleaseLease, Resume, RetryNow},
        Trouble,
    },
};

/// An action, and why it is right.
pub(super) type Suggestion = (ActionKind, &'static str);

/// What to try first.
pub(super) fn suggested(stuck: Option<&StuckCause>, trouble: Option<Trouble>) -> Suggestion {
    match stuck {
        Some(cause) => of_cause(cause),
        None => of_trouble(trouble),
    }
}

fn of_cause(cause: &StuckCause) -> Suggestion {
    match cause {
        StuckCause::Debt { .. } => (
            RetryNow,
            "try the compensation again once the other side answers; write it off only if it was settled by hand",
        ),
        StuckCause::FailedAfterPivot { .. } => {
            (RetryNow, "the saga is decided and must be finished: repair what fails, then try again")
        }
        StuckCause::RefusedAfterPivot { .. } => (
            MarkResolved,
            "the saga is decided, but the step was refused: settle it by hand, then complete the saga with the result",
        ),
        StuckCause::Contradicted { .. } => {
            (Probe, "ask the other side what it has; then set that as the output, or compensate")
        }
        StuckCause::Diverged { .. } => {
            (RetryNow, "deploy the code that wrote this journal, under its version, then try again")
        }
        StuckCause::Panicked { .. } => (RetryNow, "deploy code that does not panic there, then try again"),
        StuckCause::ForeignWait | StuckCause::Abandoned { .. } => {
            (RetryNow, "deploy a workflow that awaits only its saga, then try again")
        }
        StuckCause::PollTooLong { .. } => {
            (RetryNow, "deploy a workflow that computes less in one go, then try again")
        }
        StuckCause::Quarantined { .. } => {
            (RetryNow, "find in the logs why its nodes died; deploy a repair, then try again")
        }
        StuckCause::Hung { .. } => (RetryNow, "deploy a step that returns, then try again"),
        StuckCause::Unwritable { .. } => {
            (RetryNow, "repair what the database refuses; it is also tried again by itself")
        }
        StuckCause::Undecodable { .. } => (RetryNow, "start a node whose binary can read it, then try again"),
        StuckCause::Oversize { .. } => (Compensate, "it will not fit the next time either: unwind the saga"),
    }
}

fn of_trouble(trouble: Option<Trouble>) -> Suggestion {
    match trouble {
        Some(Trouble::InDoubt) => (Probe, "ask the other side what became of the call"),
        Some(Trouble::Owed) => {
            (RetryNow, "it is tried again by itself; do it now if the other side answers again")
        }
        Some(Trouble::Retrying) => {
            (RetryNow, "it is tried again by itself; do it now if what failed is repaired")
        }
        Some(Trouble::Paused) => (Resume, "somebody paused it: ask them, then let it go on"),
        Some(Trouble::Silent) => {
            (ReleaseLease, "check what its node does with the call; if it does nothing, take the lease away")
        }
        Some(Trouble::Overdue) => {
            (RetryNow, "start a node with lanes that knows this version; it takes the saga at once")
        }
        Some(Trouble::Stuck) | None => (RetryNow, "look at one of the sagas first"),
    }
}

//! What to try first with sagas that have a cause in common: a closed table. It advises; what is allowed is said elsewhere.

use orchestrator::{
    StuckCause,
    tools::{
        ActionKind::{self, Compensate, MarkResolved, Probe, ReleaseLease, Resume, RetryNow},
        Trouble,
    },
};

/// An action, and why that.
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
            (RetryNow, "it is decided and must be finished: mend what fails, then try again")
        }
        StuckCause::RefusedAfterPivot { .. } => (
            MarkResolved,
            "it is decided and was refused: settle it by hand, then say with which result it ended",
        ),
        StuckCause::Contradicted { .. } => {
            (Probe, "ask the other side what it has; then set that as output, or compensate")
        }
        StuckCause::Diverged { .. } => {
            (RetryNow, "deploy the code that this journal was written by, under its version, then try again")
        }
        StuckCause::Panicked { .. } => (RetryNow, "deploy code that does not panic there, then try again"),
        StuckCause::ForeignWait | StuckCause::Abandoned { .. } => {
            (RetryNow, "deploy a workflow that awaits only its saga, then try again")
        }
        StuckCause::PollTooLong { .. } => {
            (RetryNow, "deploy a workflow that computes less in one go, then try again")
        }
        StuckCause::Quarantined { .. } => {
            (RetryNow, "see in the logs what its nodes died of; deploy what mends it, then try again")
        }
        StuckCause::Hung { .. } => (RetryNow, "deploy a step that returns, then try again"),
        StuckCause::Unwritable { .. } => {
            (RetryNow, "mend what the database refuses; it is also tried again by itself")
        }
        StuckCause::Undecodable { .. } => (RetryNow, "let a binary that can read it have it, then try again"),
        StuckCause::Oversize { .. } => (Compensate, "it will not fit the next time either: turn it back"),
    }
}

fn of_trouble(trouble: Option<Trouble>) -> Suggestion {
    match trouble {
        Some(Trouble::InDoubt) => (Probe, "ask the other side what became of the call"),
        Some(Trouble::Owed) => {
            (RetryNow, "it is tried again by itself; at once, if the other side answers now")
        }
        Some(Trouble::Retrying) => {
            (RetryNow, "it is tried again by itself; at once, if what failed is mended")
        }
        Some(Trouble::Paused) => (Resume, "somebody stopped it: ask them, then let it go on"),
        Some(Trouble::Silent) => {
            (ReleaseLease, "see what its node does with the call; if nothing, take the lease away")
        }
        Some(Trouble::Overdue) => {
            (RetryNow, "start a node with lanes that knows this version: it is taken at once")
        }
        Some(Trouble::Stuck) | None => (RetryNow, "look at one of them first"),
    }
}

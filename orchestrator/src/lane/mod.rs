//! Lanes: what is done for one saga is done for a hundred.
//!
//! A lane is a loop with one connection: *gather* what has become ready, *claim* it under one lock statement, *poll*
//! every saga until it has run to something outside the database, *write* all of it, commit once, and only then
//! answer callers and hand out calls. [`turn`] is one round of that loop; the files beside it are its parts, in order.

mod advance;
mod calls;
mod claim;
mod health;
mod lease;
mod probe;
mod queue;
mod round;
mod run;
mod service;
mod turn;
mod watch;
mod write;

pub(crate) use calls::{CallEnded, CallFailure, CallOut, Calls, Direction};
pub(crate) use health::{Health, Hung};
pub(crate) use lease::Leases;
#[cfg(feature = "testing")]
pub use probe::Done;
pub(crate) use probe::Probe;
pub(crate) use queue::{Group, LetterAnswer, Mail, Queue, Start, Started};
pub(crate) use round::run_all;
pub(crate) use run::{Env, Parked, Pause, Run};
pub(crate) use service::{Lane, Shared};
pub(crate) use turn::{TurnError, Verdict};
pub use watch::Snapshot;
pub(crate) use watch::{Receiver, Watchers};
pub(crate) use write::write;

//! Lanes: what is done for one saga is done for a hundred.
//!
//! A lane is a loop with one connection: *gather* what has become ready, *claim* it under one lock statement, *poll*
//! every saga until it has run to something outside the database, *write* all of it, commit once, and only then
//! answer callers and hand out calls. [`turn`] is one round of that loop; the files beside it are its parts, in order.
//!
//! What can go wrong with a batch is dealt with in [`recover`] and [`alone`]; what can go wrong with a lane is seen by its
//! [`Signs`]. A [`Lease`] belongs to the work that it covers, and a call has its [`Place`] before it has a lease.

mod advance;
mod alone;
mod calls;
mod claim;
mod claim_alone;
mod culprits;
mod input;
mod lease;
mod places;
mod probe;
mod publish;
mod queue;
mod recover;
mod round;
mod run;
mod service;
mod set;
mod set_fault;
mod signs;
mod suspects;
mod turn;
mod watch;
mod write;

pub(crate) use calls::{CallEnded, CallFailure, CallOut, Calls, Direction};
pub(crate) use culprits::Culprits;
pub(crate) use input::{Group, LetterAnswer, Mail, Returned, Start, Started};
pub(crate) use lease::{Lease, Leases};
pub(crate) use places::{Place, Places};
#[cfg(feature = "testing")]
pub use probe::Done;
pub(crate) use probe::Probe;
pub(crate) use queue::Queue;
pub(crate) use round::run_all;
pub(crate) use run::{Env, Parked, Pause, Run};
pub(crate) use service::{Lane, Shared};
pub(crate) use signs::{Doing, Signs};
pub(crate) use suspects::Suspects;
pub(crate) use turn::{TurnError, Verdict};
pub use watch::Snapshot;
pub(crate) use watch::{Receiver, Watchers};
pub(crate) use write::write;

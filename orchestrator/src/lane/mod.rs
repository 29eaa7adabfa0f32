//! Lanes: what is done for one saga is done for a hundred.
//!
//! A lane is a loop with one connection: *gather* what has become ready, *claim* it under one lock statement, *move*
//! every saga until it has run to something outside the database (the [`machine`](crate::machine) does), *write* all of
//! it, commit once, and only then answer callers and hand out calls. [`turn`] is one round of that loop; the files beside
//! it are its parts, in order.
//!
//! [`recover`] and [`alone`] handle what can go wrong with a batch; a lane that hangs is found by its
//! [`Signs`](crate::signs::Signs). A [`Lease`] belongs to the work that it covers, and a call has its place before it has a
//! lease.

mod alone;
mod cached;
mod calls;
mod claim;
mod claim_alone;
mod input;
mod lease;
mod publish;
mod queue;
mod recover;
mod service;
mod suspects;
mod turn;
mod verdict;
mod watch;

pub(crate) use calls::Calls;
#[cfg(feature = "testing")]
pub(crate) use input::{Group, Returned};
pub(crate) use input::{LetterAnswer, Mail, NotWritten, Start, Started};
pub(crate) use lease::Leases;
pub(crate) use queue::Queue;
pub(crate) use service::{Lane, Shared, lane_of};
pub(crate) use suspects::Suspects;
#[cfg(feature = "testing")]
pub(crate) use verdict::Verdict;
pub use watch::Snapshot;
pub(crate) use watch::{Receiver, Watchers};

//! Reconciliation: the gateway's books against ours, and a case for each difference.
//!
//! The picture: a run walks through a window in *slices*, oldest first. For each slice it reads our payments that moved
//! money in it, pages through what the gateway made in it, compares the two, and asks the gateway by name for payments of
//! ours that its pages didn't show. Then come older payments that were refunded in the window, and cases that are still
//! open from earlier. So memory is bounded by a slice. A run that breaks off has finished all slices before, and the next
//! one continues there.
//!
//! By itself it moves no money and changes no payment. It opens cases, sees them again, and resolves those whose
//! difference is gone. A person may use it to tell the nodes, to give back money that our books have lost, to record
//! that a booking's money was never captured, or to take in refunds of more than was taken.

mod compare;
mod give_back;
mod never_captured;
mod reader;
mod report;
pub mod store;
mod take_in;
mod tell;
mod walk;

pub use crate::cases::Class;
pub use compare::{Found, Ours, Theirs, compare};
pub use give_back::{GiveBackError, GivenBack, give_back};
pub use never_captured::{NeverCapturedError, record_never_captured};
pub use report::{Difference, Report, Sum};
pub use take_in::{TakeInError, take_in};
pub use tell::{TellError, tell_nodes};
pub use walk::{Options, ReconcileError, Walk};

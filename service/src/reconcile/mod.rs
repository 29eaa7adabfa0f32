//! Reconciliation: the gateway's books against ours, and a case for each difference.
//!
//! The picture: the window is walked in *slices*, oldest first. Of a slice we know which of our payments moved
//! money in it, page through what the gateway made in it, compare the two, and ask the gateway by name for those of
//! ours that its pages didn't show. Then come older payments that were refunded in the window, and the cases that
//! are still open from earlier. So memory is bounded by a slice, a run that breaks off has finished all slices before,
//! and the next one goes on where it broke.
//!
//! What it does not do: by itself it moves no money and changes no payment. It opens cases, sees them again, and resolves
//! those whose difference is gone. A person may have it tell the nodes, or give back money that our books have lost.

mod class;
mod compare;
mod give_back;
mod reader;
mod report;
pub mod store;
mod tell;
mod walk;

pub use class::Class;
pub use compare::{Found, Ours, Theirs, compare};
pub use give_back::{GiveBackError, GivenBack, give_back};
pub use report::{Difference, Report, Sum};
pub use tell::{TellError, tell_nodes};
pub use walk::{Options, ReconcileError, Walk};

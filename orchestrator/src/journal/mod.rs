//! The append-only record of a saga, and what it means.
//!
//! A journal is written once for each stretch and never changed. [`Entry`] is one thing that happened; [`History`] is the
//! fold of all of them: which of the workflow's requests are answered, and what is left to undo.

mod difference;
mod entry;
mod history;
mod unreadable;

pub use crate::record::{Json, Position};
pub(crate) use difference::difference;
pub use entry::{Entry, Outcome, Recall};
pub use history::{Answer, Ask, History, What};
pub(crate) use unreadable::Unreadable;

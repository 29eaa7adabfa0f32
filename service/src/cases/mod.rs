//! Cases: differences between our books and the gateway's, one row each, for a person.
//!
//! Reconciliation opens and resolves most of them. News of an amount that differs from what was ordered opens one too.

mod class;
mod store;

pub use class::Class;
pub use store::{
    Case, CaseId, Seen, ask_to_give_back, count_open, find, list, note_given_back, resolve_vanished, see,
    settle, unseen,
};

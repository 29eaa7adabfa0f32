//! The types that rows and journals are made of, each with the words that are stored. They do not know how they are stored,
//! nor what is done with them.

mod action;
mod attempt;
mod cause;
mod chain;
mod journal_entry;
mod json;
mod look;
mod losses;
mod position;
mod rejected;
mod stake;
mod state;
mod status;
mod trouble;

pub use action::{Action, ActionKind};
pub use attempt::Attempt;
pub use cause::{Cause, StuckCause};
pub use chain::{Link, digest};
pub use journal_entry::JournalEntry;
pub use json::Json;
pub use look::Look;
pub(crate) use losses::{LOSSES_MAX, is_tried_again};
pub use position::Position;
pub use rejected::Rejected;
pub use stake::Stake;
pub use state::State;
pub use status::Status;
pub use trouble::Trouble;

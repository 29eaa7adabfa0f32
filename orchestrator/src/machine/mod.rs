//! The machine: one saga's attempt, moved by whoever has its row.
//!
//! A [`Run`] is a saga in one transaction. [`run_all`] moves runs until each is parked: `advance` decides without any I/O,
//! and what it needs from the database is done for all runs at once. [`write`] writes the results. Lanes and operators use
//! the same machine; [`Mode`] says who uses it, and so whether calls may be made. [`by_hand`] is for operators.
//!
//! | file | what |
//! |---|---|
//! | `env`, `run`, `need` | what a transaction shares, a saga in it, and what the saga needs from the database |
//! | `advance/` | how a saga moves, without I/O |
//! | `round`, `set`, `set_fault` | steps of one kind together, each set under a savepoint |
//! | `write` | entries, rows, messages, audit |
//! | `call` | a call to the outside |
//! | `by_hand/` | an operator's action |
//! | `culprits`, `places`, `probe` | what lanes share with it: sagas at which they hung, places for calls, hooks for tests |
//!
//! It does not begin or commit, find work or keep leases: lanes do that.

mod advance;
pub(crate) mod by_hand;
mod call;
mod culprits;
mod env;
mod need;
mod places;
mod probe;
mod round;
mod run;
mod set;
mod set_fault;
mod turn_error;
mod write;

pub(crate) use call::{CallEnded, CallOut, panic_message};
#[cfg(feature = "testing")]
pub(crate) use call::{CallFailure, Direction};
pub(crate) use culprits::Culprits;
pub(crate) use env::{Env, Mode};
pub(crate) use places::{Place, Places};
#[cfg(feature = "testing")]
pub use probe::Done;
pub(crate) use probe::Probe;
pub(crate) use round::run_all;
pub use run::HeldBack;
pub(crate) use run::{Held, Run};
pub(crate) use turn_error::TurnError;
pub(crate) use write::write;

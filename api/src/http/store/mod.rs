//! The API's own statements; those that it shares with the steps live in `steps::store`.
//!
//! One module a table, one statement a function, and nothing that begins or commits.

pub mod idempotency;
pub mod seats;
pub mod tokens;
pub mod users;

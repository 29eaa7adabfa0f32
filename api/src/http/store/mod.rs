//! The API's statements: one module a table, one statement a function, and nothing that begins or commits.

pub mod events;
pub mod idempotency;
pub mod seats;
pub mod tokens;
pub mod users;

//! The doors, as those outside meet them: the HTTP API, the operators' console, and what subscribers are told.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the transactions of a test end with it")]

mod console;
mod http;
mod outbox;

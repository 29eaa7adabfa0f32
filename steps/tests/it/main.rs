//! The booking's tables and ports against the real things: a private Postgres and a private Redis.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should fail where it stands")]
#![allow(clippy::disallowed_methods, reason = "the transactions of a test end with it")]

mod support;

mod border;
mod confirming;
mod locking;
mod migrating;
mod money;
mod previews;
mod refunds;
mod reserving;
mod venues;

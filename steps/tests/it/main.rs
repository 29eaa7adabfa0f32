//! The booking's tables and ports against the real things: a private Postgres and a private Redis.

mod support;

mod border;
mod confirming;
mod migrating;
mod money;
mod reserving;

//! The system from outside: real PostgreSQL, real Redis, real processes.

pub mod play;
pub mod support;

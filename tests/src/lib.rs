//! The system from outside: real PostgreSQL, real Redis, real processes.

pub mod chaos;
pub mod play;
pub mod support;

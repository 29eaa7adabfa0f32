//! The system from outside: real PostgreSQL, real Redis, real processes.

pub mod support;

//! Private PostgreSQL and Redis servers: the real programs, as children of this process on ports of their own.
//!
//! They live and die with this process, and never touch a server that the machine already runs. `child` is one process,
//! `server` one that listens; `postgres` (with its data directory, `cluster`) and `redis` are two of them. The benchmark
//! and the tests start theirs in a [`Scratch`] folder, and may kill and restart them.
//!
//! What they deliberately do without: passwords and TLS. They listen on loopback alone and trust whoever reaches them
//! there.

pub mod child;
mod cluster;
pub mod error;
pub mod log;
pub mod owner;
pub mod port;
pub mod postgres;
mod programs;
pub mod redis;
mod scratch;
pub mod server;
#[cfg(test)]
pub(crate) mod tests;

pub use child::Child;
pub use error::DevError;
pub use postgres::{Postgres, PostgresOptions};
pub use redis::{Redis, RedisOptions};
pub use rustix::process::Signal;
pub use scratch::Scratch;

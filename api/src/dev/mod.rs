//! `usher dev`: everything that a booking needs, on one machine, for one person.
//!
//! The picture: a folder, and a handful of processes that live and die with this one. [`Postgres`] and
//! [`Redis`] are the real programs, started as private children on ports of their own; they never touch a
//! server that the machine already runs. The benchmark and the tests start theirs through here too, in a
//! [`Scratch`] folder, and may kill and restart them.
//!
//! From the ground up: `child` is one process, `server` one that listens; `postgres` (with its data directory,
//! `cluster`) and `redis` are two of them. `keeper` starts a process again that has ended, `commands` says what
//! our own children are told, `stage` starts and stops all of it, `demo` books, `trouble` makes sagas that don't move, and
//! `command` is `usher dev`.
//!
//! What it deliberately does not do: passwords and TLS. The servers listen on loopback alone and trust whoever
//! reaches them there. Production names its own servers by `USHER_DATABASE_URL` and `USHER_REDIS_URL`.

mod child;
mod cluster;
mod command;
mod commands;
mod demo;
mod error;
mod folder;
mod keeper;
#[cfg(test)]
mod keeper_tests;
mod log;
mod once;
mod owner;
mod port;
mod postgres;
mod programs;
mod redis;
mod scratch;
mod server;
mod stage;
#[cfg(test)]
mod tests;
mod tokens;
pub(crate) mod trouble;

pub use child::Child;
pub use command::{DevArgs, run};
pub use error::DevError;
pub use port::free as free_port;
pub use postgres::{Postgres, PostgresOptions};
pub use redis::{Redis, RedisOptions};
pub use rustix::process::Signal;
pub use scratch::Scratch;

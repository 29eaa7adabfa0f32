//! What a developer has in place of production: never linked but by the commands `dev` and `gateway`, tests and bench.
//!
//! - [`servers`] starts PostgreSQL and Redis of one's own. Without the feature `stack` it is all there is.
//! - [`gateway`] simulates a payment gateway.
//! - [`stack`] is `usher dev`: all of it together, a demonstration, and sagas in every kind of trouble.

#[cfg(feature = "stack")]
pub mod gateway;
mod locked;
pub mod servers;
#[cfg(feature = "stack")]
pub mod stack;

pub use servers::{
    Child, DevError, Postgres, PostgresOptions, Redis, RedisOptions, Scratch, Signal, port::free as free_port,
};

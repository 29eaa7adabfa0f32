//! What a developer uses in place of production. Only the commands `dev` and `gateway`, tests and bench link it.
//!
//! - [`servers`] starts private PostgreSQL and Redis servers. Without the feature `stack` the crate has only this.
//! - [`gateway`] simulates a payment gateway.
//! - [`stack`] is `usher dev`: everything together, a demonstration, and sagas in every kind of trouble.

#[cfg(feature = "stack")]
pub mod gateway;
mod locked;
pub mod servers;
#[cfg(feature = "stack")]
pub mod stack;

pub use servers::{
    Child, DevError, Postgres, PostgresOptions, Redis, RedisOptions, Scratch, Signal, port::free as free_port,
};

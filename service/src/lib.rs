//! The booking service without a door: everything that a node does, whoever asks for it.
//!
//! The rooms, from the ground up:
//!
//! - [`clock`] asks the database for the time; [`telemetry`] sets up the metrics and reads them; [`transaction()`] is the
//!   one way to own a transaction; `registered` has the workflows that a node knows.
//! - [`config`] reads the configuration.
//! - [`Service`] is what a node shares: configuration, connections, engine, seat locks, gateway, tasks; `ports` has the
//!   seat locks and the gateway that it is configured with.
//! - [`cases`] has the differences between our books and the gateway's that a person must look at.
//! - [`news`] takes in what gateways say about payments; [`outbox`] tells subscribers what was decided.
//! - [`numbers`] has what operators look at first; [`operators`] is what they are shown and may do, the same at every door.
//! - [`reconcile`] compares our books with the gateway's; [`verify`] has the invariants.
//! - [`node`] opens a node, with lanes or without; [`migrate`] brings its database up to date; [`roles`] grants database
//!   roles.
//! - [`jobs`] does again and again what nobody asks for.
//!
//! A call fails with a [`ServiceError`], which each door turns into an answer for its callers.

pub mod cases;
pub mod clock;
pub mod config;
mod error;
pub mod jobs;
mod migrations;
pub mod news;
pub mod node;
pub mod numbers;
pub mod operators;
pub mod outbox;
mod parts;
mod ports;
pub mod reconcile;
mod registered;
pub mod roles;
mod rounds;
mod sagas_of_money;
pub mod telemetry;
mod transaction;
pub mod verify;

pub use error::ServiceError;
pub use migrations::{are_current, migrate};
pub use node::Node;
pub use parts::{Parts, Service};
pub use transaction::{Ending, transaction};

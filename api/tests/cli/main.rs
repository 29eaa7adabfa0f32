//! The `usher` program as people and scripts run it: real processes, real servers.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod books;
mod events;
mod nodes;
mod operators;
mod running;
mod trouble;
mod world;

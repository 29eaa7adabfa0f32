//! `usher dev`: everything that a booking needs, on one machine, for one person.
//!
//! The picture: a folder, and a handful of processes that live and die with this one: the private servers, the simulated
//! gateway, a node. `keeper` starts a process again that has ended, `commands` says what our own children are told,
//! `stage` starts and stops all of it, `demo` books, `trouble` makes sagas that don't move, and `command` is `usher dev`.

mod command;
mod commands;
mod demo;
mod deployed;
mod folder;
mod keeper;
#[cfg(test)]
mod keeper_tests;
mod once;
mod stage;
mod tokens;
mod trouble;

pub use command::{DevArgs, run};
pub use deployed::Deployed;

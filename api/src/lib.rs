//! The service around the sagas: configuration, command line, HTTP.

pub mod cli;
pub mod config;
pub mod console;
pub mod dev;
pub mod gateway;
pub mod http;
pub mod jobs;
mod migrations;
pub mod news;
pub mod node;
pub mod numbers;
pub mod operators;
pub mod outbox;
pub mod reconcile;
pub mod roles;
pub mod venue;
pub mod verify;

pub use migrations::migrate;

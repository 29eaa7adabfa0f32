//! A simulated payment gateway: the part of Stripe's API that Usher speaks, or the standard protocol, for development and
//! tests.
//!
//! The picture: books (what happened to whose money), a script (what goes wrong), a border that speaks Stripe's
//! HTTP, and one worker that settles what is due and sends webhooks. It is a witness, so it shares nothing with
//! the adapter in `steps` but the way webhooks are signed and amounts are written for people, and its books count what was
//! done twice.
//!
//! What it is not: a gateway (it checks no cards, knows no customers and keeps no secrets), nor a place to
//! listen to strangers, for `/control` asks for no credentials.

mod args;
mod books;
mod config;
mod error_reply;
mod methods;
mod script;
mod serve;
mod simulator;
mod standard;
mod web;
mod work;

pub use args::{Args, run};
pub use config::{Config, Speak};
pub use serve::{ServeError, serve};

#[cfg(test)]
mod tests;

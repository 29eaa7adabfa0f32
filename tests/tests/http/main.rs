//! The HTTP contract: what callers may rely on, one test a promise.
//!
//! Requests go through the whole router. Every answer, whichever test asks, is held to the OpenAPI document.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the transactions of a test end with it")]

mod away;
mod booking;
mod cancellation;
mod client;
mod contract;
mod desk;
mod events;
mod flood;
mod hangup;
mod health;
mod house;
mod idempotency;
mod identity;
mod jobs;
mod manners;
mod numbers;
mod operator;
mod operator_lists;
mod operator_many;
mod operator_words;
#[path = "../outbox/receiver.rs"]
#[allow(dead_code, reason = "the tests of the outbox need more of it")]
mod receiver;
mod roles;
mod told;
mod validation;
mod verify;
mod webhooks;

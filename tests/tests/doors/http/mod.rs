//! The HTTP contract: what callers may rely on, one test a promise.
//!
//! Requests go through the whole router. Every answer, whichever test asks, is held to the OpenAPI document.

mod announcements;
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
mod idempotency;
mod identity;
mod jobs;
mod manners;
mod numbers;
mod operator;
mod operator_lists;
mod operator_many;
mod operator_words;
mod roles;
mod validation;
mod venue;
mod verify;
mod webhooks;

//! Messages to the outside: real receivers on loopback, and what they were told.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod disabled;
mod failures;
mod guarded;
mod nodes;
mod order;
mod post;
mod receiver;

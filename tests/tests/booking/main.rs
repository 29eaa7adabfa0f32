//! The booking as a saga, on real Postgres and Redis, with a gateway that does as it is told.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod contention;
mod expiry;
mod explore;
mod house;
mod news;
mod redis;
mod slow;

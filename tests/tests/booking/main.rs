//! The booking as a saga, on real Postgres and Redis, with a gateway that does as it is told.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]
#![allow(clippy::disallowed_methods, reason = "the transactions of a test end with it")]

mod cancellation;
mod contention;
mod doubt;
mod expiry;
mod explore;
mod hot;
mod late_payment;
mod news;
mod redis;
mod repayment;
mod slow;
mod sold;
mod world;

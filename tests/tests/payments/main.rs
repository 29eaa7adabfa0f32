//! Money: the whole service against a simulated gateway that misbehaves, one named test a case.
//!
//! The service serves HTTP, asks the gateway over HTTP through the Stripe adapter, and takes its signed webhooks. The
//! gateway's books are the witness. `cases.md` says which test holds which case; `listed` holds that list.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod amounts;
mod answers;
mod attempts;
mod books;
mod chaos;
mod crashes;
mod customer;
mod disputes;
mod door;
mod doubt;
mod failover;
mod gateway;
mod late;
mod lies;
mod listed;
mod logs;
mod never_captured;
mod news;
mod over_refunds;
mod part_captures;
mod reconcile;
mod refunds;
mod refusals;
mod repayments;
mod scripts;
mod standard;
mod uncaptured;
mod world;

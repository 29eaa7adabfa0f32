//! `usher dev --with-trouble`: one saga of every way not to move, made for real, to look at and to repair.
//!
//! The picture: a deployment that went wrong. Sagas begin under code that works ([`Generation::Before`]); then other
//! code is deployed that doesn't ([`Generation::Broken`]), a bank that answers badly, customers who go away, and a
//! workflow that kills its nodes. What comes of it is shown as a table ([`report`]), each with the command that repairs
//! it. `usher dev mend` deploys code that works again and sends the bank home.
//!
//! Bookings are made through the API by a customer, and the simulated gateway is told how to misbehave. What only
//! broken code can cause is made by a workflow of its own ([`workflow`]), which a node knows only if `USHER_TROUBLE`
//! names the file that says under which generation it runs. Nothing is written to tables by hand.

mod bookings;
mod deadly;
mod generation;
mod kinds;
mod make;
mod mend;
mod report;
mod steps;
mod workflow;

pub(crate) use generation::{Generation, run_what_is_deployed, workflows};
pub(super) use make::make;
pub(super) use mend::{Mend, when_asked_to_mend};

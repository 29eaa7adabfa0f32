//! What can be done and undone in ticketing: the steps, their tables and their ports.
//!
//! The rooms:
//!
//! - The steps, one file each, from `reserve` to `unlock`. `giving_back` is how money goes back, `write_down` what the
//!   answer of a call changes in our rows, `announce` what the outside is told.
//! - [`store`] speaks SQL to the tables of the Postgres schema `booking`, one statement a function. It never begins or
//!   commits. `seats::decide` and `payments::news` are pure: who gets which seat, and what a piece of news means.
//! - [`gateway`] is the port to payment gateways, with its adapters.
//! - [`locks`] has the seat locks in Redis.
//! - [`venue`] makes events with seats from a seed.
//!
//! This crate does not know which step follows which: `workflows` says that.

#![warn(missing_docs)]

mod accept;
mod announce;
mod breaker;
mod capture;
mod cashier;
mod confirm;
mod decide;
mod free;
pub mod gateway;
mod giving_back;
pub mod ids;
mod lock;
pub mod locks;
mod migrate;
pub mod money;
mod pay;
mod reclaim;
mod refund;
mod reopen;
mod reserve;
mod seat_list;
mod services;
mod settle;
mod stakes;
pub mod status;
pub mod store;
pub mod telemetry;
mod tell_refund;
mod unlock;
pub mod venue;
mod write_down;

pub use accept::{Accept, Accepted};
pub use breaker::BreakerConfig;
pub use capture::Capture;
pub use cashier::{Cashier, Repayments, Secured};
pub use confirm::{Booked, Confirm};
pub use decide::{Decide, Decided};
pub use free::Free;
pub use giving_back::{AcknowledgedRefund, Undone};
pub use ids::{BookingId, EventId, PaymentId, ReservationId, SeatId, UserId};
pub use lock::{Lock, Locked};
pub use migrate::migrate;
pub use money::{BadCurrency, Currency, Money, amount_in_words};
pub use pay::{Charge, DECLINED, Outcome, Pay};
pub use reclaim::Reclaim;
pub use refund::Refund;
pub use reopen::{Reopen, Reopened};
pub use reserve::{Reservation, Reserve};
pub use seat_list::{BadSeatList, SEATS_MAX, SeatList};
pub use services::Services;
pub use settle::Settle;
pub use tell_refund::TellRefund;
pub use unlock::Unlock;

//! What can be done and undone in ticketing: the steps, their tables and their ports.
//!
//! The tables live in the Postgres schema `booking`; `store` speaks SQL to them, one statement a function,
//! and never begins or commits. The ports are the seat locks in Redis and the payment gateway. Which step
//! follows which is none of this crate's business: that is what `workflows` says.

pub mod gateway;
pub mod ids;
mod migrate;
pub mod money;
mod seat_list;
pub mod status;
pub mod store;

pub use ids::{BookingId, EventId, PaymentId, ReservationId, SeatId, UserId};
pub use migrate::migrate;
pub use money::{BadCurrency, Currency, Money};
pub use seat_list::{BadSeatList, SEATS_MAX, SeatList};

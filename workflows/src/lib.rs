//! The sagas themselves: the shortest crate and the reason for the rest.
//!
//! A workflow decides and does nothing: no I/O, no clock, no randomness. What can be done stands in `steps`, how it
//! is made durable in `orchestrator`.

mod booking;

pub use booking::{Booking, BookingRequest, PaymentNews, PaymentOrder};

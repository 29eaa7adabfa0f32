//! The sagas themselves: the shortest crate and the reason for the rest.
//!
//! A workflow decides and does nothing: no I/O, no clock, no randomness. What can be done stands in `steps`, how it
//! is made durable in `orchestrator`.

mod booking;
mod cancellation;
mod late_payment;
mod refund_elsewhere;
mod repayment;

pub use booking::{Booking, BookingRequest, PaymentNews, PaymentOrder};
pub use cancellation::{Cancellation, CancellationRequest};
pub use late_payment::{LateMoney, LatePayment};
pub use refund_elsewhere::{RefundElsewhere, RefundTakenIn};
pub use repayment::{FailedRefund, Repayment};

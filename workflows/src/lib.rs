//! The workflows: the shortest crate, and the reason for all others.
//!
//! A workflow only decides: it does no I/O, reads no clock and draws no random numbers. The crate `steps` has what can be
//! done, and `orchestrator` makes it durable.

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

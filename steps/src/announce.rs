//! Messages to the outside, written in the commit that decided them: ids and amounts, never names or addresses.
//!
//! A field `booking_id` in a message `booking.…` says what it is about. Strangers read types and fields, so they are part of
//! the API: we only add to them.

use crate::{BookingId, EventId, Money, PaymentId, ReservationId, gateway::RefundId};
use orchestrator::{DbError, SagaId, Tx};
use serde::Serialize;

/// A message to the outside.
pub(crate) trait Announcement: Serialize {
    /// The message's type, such as `booking.confirmed`.
    const KIND: &'static str;
}

/// Puts it into the outbox, in the commit of what was decided.
pub(crate) fn announce<A: Announcement>(tx: &mut Tx, saga: SagaId, message: &A) -> Result<(), DbError> {
    tx.emit(saga, A::KIND, message)
}

/// Seats were sold.
#[derive(Debug, Serialize)]
pub(crate) struct BookingConfirmed {
    pub booking_id: BookingId,
    pub reservation_id: ReservationId,
    pub payment_id: PaymentId,
}

/// A booking was given back; its seats are on sale again once the money is on its way.
#[derive(Debug, Serialize)]
pub(crate) struct BookingCancelled {
    pub booking_id: BookingId,
    pub reservation_id: ReservationId,
    pub payment_id: PaymentId,
    /// The whole amount that goes back in the end.
    pub refund: Money,
}

/// A reservation ended without a booking, because its time was over or something failed.
#[derive(Debug, Serialize)]
pub(crate) struct ReservationExpired {
    pub reservation_id: ReservationId,
    pub event_id: EventId,
}

/// A person ended a reservation.
#[derive(Debug, Serialize)]
pub(crate) struct ReservationCancelled {
    pub reservation_id: ReservationId,
    pub event_id: EventId,
}

/// The gateway has acknowledged a refund, of all or of a part.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentRefunded {
    pub payment_id: PaymentId,
    pub refund_id: String,
    pub amount: Money,
}

/// A refund that was announced has failed. One of ours is sent again, within bounds.
#[derive(Debug, Serialize)]
pub(crate) struct PaymentRefundFailed {
    pub payment_id: PaymentId,
    pub reservation_id: ReservationId,
    pub refund_id: RefundId,
}

impl Announcement for BookingConfirmed {
    const KIND: &'static str = "booking.confirmed";
}
impl Announcement for BookingCancelled {
    const KIND: &'static str = "booking.cancelled";
}
impl Announcement for ReservationExpired {
    const KIND: &'static str = "reservation.expired";
}
impl Announcement for ReservationCancelled {
    const KIND: &'static str = "reservation.cancelled";
}
impl Announcement for PaymentRefunded {
    const KIND: &'static str = "payment.refunded";
}
impl Announcement for PaymentRefundFailed {
    const KIND: &'static str = "payment.refund_failed";
}

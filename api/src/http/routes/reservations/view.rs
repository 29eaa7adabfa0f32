//! A reservation as callers see it.

use super::super::{
    super::{
        app::App,
        conditional::ETag,
        problem::Problem,
        views::{Money, SeatView, time},
    },
    payments,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use steps::{
    SeatId,
    status::ReservationStatus,
    store::{
        payments::list_late,
        reservations::{self, ReservationRow},
    },
};
use utoipa::ToSchema;
use uuid::Uuid;

/// Seats held for a customer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Reservation {
    /// The reservation's id.
    pub reservation_id: Uuid,
    /// The saga that runs it; `usher saga show` shows its timeline.
    pub saga_id: Uuid,
    /// The customer.
    pub user_id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The reserved seats.
    pub seats: Vec<SeatView>,
    /// The reservation's status.
    pub status: State,
    /// The price of all its seats.
    pub amount: Money,
    /// The time until which the seats are held, in UTC.
    #[schema(format = DateTime)]
    pub reserved_until: String,
    /// The time that is left, in milliseconds; zero if it isn't pending. Trust this, not your clock.
    #[schema(minimum = 0)]
    pub expires_in_ms: i64,
    /// The server's time when it answered, in UTC.
    #[schema(format = DateTime)]
    pub server_time: String,
    /// The last payment that was ordered for it.
    pub payment_id: Option<Uuid>,
    /// The booking, once there is one.
    pub booking_id: Option<Uuid>,
    /// The last payment for it that came too late or twice, and what became of the money.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub late_payment: Option<LatePayment>,
}

/// Money that came too late or twice. It buys the same seats if they are still free; otherwise it goes back in full.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LatePayment {
    /// The payment's id.
    pub payment_id: Uuid,
    /// `REFUNDED`, or `FAILED` if the money was only held: it went back.
    pub status: payments::State,
    /// The new reservation of the same seats that it led to.
    pub reservation_id: Option<Uuid>,
    /// The booking that it led to.
    pub booking_id: Option<Uuid>,
}

/// The status of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// It holds its seats, and they are not booked yet.
    Pending,
    /// It is booked.
    Confirmed,
    /// Its time is over, or its payment failed.
    Expired,
    /// Its customer cancelled it.
    Cancelled,
}

impl Reservation {
    /// The view of a row at `now`.
    ///
    /// # Errors
    /// The database failed while a seat was looked up.
    pub async fn of(app: &App, row: &ReservationRow, now: DateTime<Utc>) -> Result<Self, Problem> {
        let pending = row.status == ReservationStatus::Pending;
        Ok(Self {
            reservation_id: row.reservation.uuid(),
            saga_id: row.saga.uuid(),
            user_id: row.user.uuid(),
            event_id: row.event.uuid(),
            seats: seats(app, &row.seats).await?,
            status: row.status.into(),
            amount: row.amount.into(),
            reserved_until: time(row.reserved_until),
            expires_in_ms: if pending { left_ms(row.reserved_until, now) } else { 0 },
            server_time: time(now),
            payment_id: row.payment.map(steps::PaymentId::uuid),
            booking_id: row.booking.map(steps::BookingId::uuid),
            late_payment: late_payment(app, row).await?,
        })
    }
}

/// The last payment for a reservation that came too late or twice.
///
/// # Errors
/// The database failed.
pub async fn late_payment(app: &App, row: &ReservationRow) -> Result<Option<LatePayment>, Problem> {
    if row.status == ReservationStatus::Pending {
        return Ok(None); // nothing is too late yet
    }
    let mut connection = app.service.connection().await?;
    let Some(late) = list_late(&mut connection, row.reservation).await?.pop() else { return Ok(None) };
    let revived = reservations::find(&mut connection, late.reservation).await?;
    Ok(Some(LatePayment {
        payment_id: late.payment.uuid(),
        status: late.status.into(),
        reservation_id: revived.as_ref().map(|revived| revived.reservation.uuid()),
        booking_id: revived.and_then(|revived| revived.booking).map(steps::BookingId::uuid),
    }))
}

impl From<ReservationStatus> for State {
    fn from(status: ReservationStatus) -> Self {
        match status {
            ReservationStatus::Pending => Self::Pending,
            ReservationStatus::Confirmed => Self::Confirmed,
            ReservationStatus::Expired => Self::Expired,
            ReservationStatus::Cancelled => Self::Cancelled,
        }
    }
}

/// The version of a reservation, made of everything that can change, except for the time that is left.
pub fn tag(row: &ReservationRow, late: Option<&LatePayment>) -> ETag {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let late = late.map(|late| format!("{} {:?} {}", late.payment_id, late.status, id(late.booking_id)));
    ETag::of_parts(&[
        row.status.as_str(),
        &id(row.payment.map(steps::PaymentId::uuid)),
        &id(row.booking.map(steps::BookingId::uuid)),
        &time(row.reserved_until),
        &late.unwrap_or_default(),
    ])
}

/// The places of these seats.
///
/// # Errors
/// The database failed.
pub async fn seats(app: &App, ids: &[SeatId]) -> Result<Vec<SeatView>, Problem> {
    let found = app.directory.find(&app.service, ids).await?;
    Ok(found.iter().flatten().map(SeatView::from).collect())
}

/// The milliseconds that are left.
pub fn left_ms(until: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (until - now).num_milliseconds().max(0)
}

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
    /// Its id.
    pub reservation_id: Uuid,
    /// The saga that sees to it; `usher saga show` tells its story.
    pub saga_id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// At which event.
    pub event_id: Uuid,
    /// Its seats.
    pub seats: Vec<SeatView>,
    /// What became of it.
    pub status: State,
    /// What its seats cost together.
    pub amount: Money,
    /// Until when the seats are held, in UTC.
    #[schema(format = DateTime)]
    pub reserved_until: String,
    /// So many milliseconds are left; zero when it isn't pending. Trust this and not your clock.
    #[schema(minimum = 0)]
    pub expires_in_ms: i64,
    /// Our time of this answer, in UTC.
    #[schema(format = DateTime)]
    pub server_time: String,
    /// The last payment that was ordered for it.
    pub payment_id: Option<Uuid>,
    /// The booking that it became.
    pub booking_id: Option<Uuid>,
    /// Money that came in for it too late, or twice: the last of it, and what became of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub late_payment: Option<LatePayment>,
}

/// Money that came in too late, or twice. It buys the same seats if they are still free, else it goes back in full.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LatePayment {
    /// Its id.
    pub payment_id: Uuid,
    /// REFUNDED, or FAILED where it was only held: it went back.
    pub status: payments::State,
    /// The reservation that it brought about, for the same seats.
    pub reservation_id: Option<Uuid>,
    /// The booking that came of it.
    pub booking_id: Option<Uuid>,
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum State {
    /// Its seats are its own and not yet booked.
    Pending,
    /// Booked.
    Confirmed,
    /// Ended by time or by a failed payment.
    Expired,
    /// Ended by its customer.
    Cancelled,
}

impl Reservation {
    /// The view of a row at `now`.
    ///
    /// # Errors
    /// The database's, if a seat has to be looked up.
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

/// The last money that came in for a reservation too late, or twice.
///
/// # Errors
/// The database's.
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

/// The version of a reservation: all of it that can change. The time that is left is no version.
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

/// Where these seats are.
///
/// # Errors
/// The database's.
pub async fn seats(app: &App, ids: &[SeatId]) -> Result<Vec<SeatView>, Problem> {
    let found = app.directory.find(&app.service, ids).await?;
    Ok(found.iter().flatten().map(SeatView::from).collect())
}

/// So many milliseconds are left.
pub fn left_ms(until: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (until - now).num_milliseconds().max(0)
}

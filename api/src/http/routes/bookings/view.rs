//! A booking as callers see it.

use super::super::{
    super::{
        app::App,
        conditional::ETag,
        problem::Problem,
        views::{Money, SeatView, time},
    },
    reservations,
};
use serde::Serialize;
use steps::{
    SeatId,
    status::BookingStatus,
    store::{bookings::BookingRow, payments, reservations::ReservationRow},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// Seats sold to a customer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Booking {
    /// The booking's id.
    pub booking_id: Uuid,
    /// The reservation that it confirmed.
    pub reservation_id: Uuid,
    /// The payment that paid for it.
    pub payment_id: Uuid,
    /// The customer.
    pub user_id: Uuid,
    /// The event.
    pub event_id: Uuid,
    /// The saga that made it; `usher saga show` shows its timeline.
    pub saga_id: Uuid,
    /// Its seats.
    pub seats: Vec<SeatView>,
    /// Whether the booking is valid or cancelled.
    pub status: State,
    /// The code that the customer shows at the door. It is a secret between the customer and the venue.
    #[schema(min_length = 12, max_length = 12)]
    pub code: String,
    /// When it was confirmed, in UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// How much of its money has gone back; absent as long as none has to go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refund: Option<Refund>,
}

/// Money on its way back to the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refund {
    /// The whole amount that goes back in the end.
    pub amount: Money,
    /// The amount of refunds that the gateway has accepted so far.
    pub refunded: Money,
}

/// Whether a booking is valid.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = BookingState)]
pub enum State {
    /// It is valid.
    Confirmed,
    /// It was cancelled.
    Cancelled,
}

impl Booking {
    /// The view of a booking and the reservation that it confirmed.
    ///
    /// # Errors
    /// The database failed while a seat was looked up.
    pub async fn of(app: &App, row: &BookingRow, reservation: &ReservationRow) -> Result<Self, Problem> {
        let seats: &[SeatId] = &reservation.seats;
        Ok(Self {
            booking_id: row.booking.uuid(),
            reservation_id: row.reservation.uuid(),
            payment_id: row.payment.uuid(),
            user_id: row.user.uuid(),
            event_id: reservation.event.uuid(),
            saga_id: reservation.saga.uuid(),
            seats: reservations::view::seats(app, seats).await?,
            status: match row.status {
                BookingStatus::Confirmed => State::Confirmed,
                BookingStatus::Cancelled => State::Cancelled,
            },
            code: row.code.clone(),
            created_at: time(row.created_at),
            refund: refund(app, row).await?,
        })
    }

    /// Its version, made of everything that can change.
    pub fn tag(&self) -> ETag {
        let status = match self.status {
            State::Confirmed => "confirmed",
            State::Cancelled => "cancelled",
        };
        let refund = self.refund.as_ref();
        let refund = refund.map(|refund| format!("{} {}", refund.amount.amount, refund.refunded.amount));
        ETag::of_parts(&[status, &refund.unwrap_or_default()])
    }
}

async fn refund(app: &App, row: &BookingRow) -> Result<Option<Refund>, Problem> {
    let mut connection = app.service.connection().await?;
    let Some(payment) = payments::find(&mut connection, row.payment).await? else { return Ok(None) };
    if row.status == BookingStatus::Confirmed && payment.refunded_minor == 0 {
        return Ok(None);
    }
    let amount = payments::refund_total(&mut connection, row.payment, payment.amount).await?.total;
    let refunded = steps::Money { amount: payment.refunded_minor, ..payment.amount };
    Ok(Some(Refund { amount: amount.into(), refunded: refunded.into() }))
}

//! `GET /bookings/{id}`

use super::{
    super::{
        super::{
            app::App,
            auth::Caller,
            conditional::{Conditions, PRIVATE},
            extract::Id,
            problem::Problem,
        },
        reservations,
    },
    view::Booking,
};
use axum::{extract::State, response::Response};
use steps::{BookingId, store::bookings};

/// A booking.
#[utoipa::path(
    get, operation_id = "read_booking", path = "/bookings/{id}", tag = "booking", params(("id" = uuid::Uuid, Path, description = "the booking")),
    responses((status = 200, description = "the booking", body = Booking), (status = 304, description = "not changed"))
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BookingId>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let found = bookings::find(&mut *app.service.connection().await?, id).await?;
    let row = found.filter(|row| caller.may_see(row.user)).ok_or_else(Problem::not_found)?;
    let (reservation, _) = reservations::find(&app, &caller, row.reservation).await?;
    let body = Booking::of(&app, &row, &reservation).await?;
    Ok(conditions.answer(&body.tag(), PRIVATE, &body))
}

//! `GET /reservations/{id}`

use super::super::super::{
    app::App,
    auth::Caller,
    conditional::{Conditions, PRIVATE},
    extract::Id,
    problem::Problem,
    wait::{LOOK_AGAIN, retry_after},
};
use super::{
    find,
    view::{self, Reservation},
};
use axum::{extract::State, response::Response};
use steps::{ReservationId, status::ReservationStatus};

/// A reservation in any status.
#[utoipa::path(
    get, operation_id = "read_reservation", path = "/reservations/{id}", tag = "booking", params(("id" = uuid::Uuid, Path, description = "the reservation")),
    responses(
        (status = 200, description = "the reservation, with `Retry-After` while it is pending", body = Reservation),
        (status = 304, description = "not changed"),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ReservationId>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let (row, now) = find(&app, &caller, id).await?;
    let body = Reservation::of(&app, &row, now).await?;
    let response = conditions.answer(&view::tag(&row, body.late_payment.as_ref()), PRIVATE, &body);
    Ok(if row.status == ReservationStatus::Pending { retry_after(response, LOOK_AGAIN) } else { response })
}

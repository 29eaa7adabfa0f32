//! `DELETE /reservations/{id}`: the customer cancels a reservation, as long as that is possible.

use super::super::super::{
    app::App,
    auth::Caller,
    conditional::Conditions,
    extract::Id,
    problem::{Problem, ProblemType},
    wait::{LOOK_AGAIN, retry_after},
};
use super::{
    find,
    view::{self, Reservation},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use orchestrator::{Cancelled, State as SagaState};
use steps::{
    ReservationId,
    status::{PaymentStatus, ReservationStatus},
    store::{payments, reservations::ReservationRow},
};

/// Cancels a pending reservation.
#[utoipa::path(
    delete, operation_id = "cancel_reservation", path = "/reservations/{id}", tag = "booking",
    params(
        ("id" = uuid::Uuid, Path, description = "the reservation"),
        ("If-Match" = Option<String>, Header, description = "the version that is cancelled"),
    ),
    responses(
        (status = 204, description = "the cancellation is committed, now or earlier"),
        (status = 202, description = "the cancellation will begin when a call to the gateway has ended", body = Reservation),
    )
)]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ReservationId>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    caller.may_book()?;
    let (row, _) = find(&app, &caller, id).await?;
    conditions.check(&view::tag(&row, view::late_payment(&app, &row).await?.as_ref()))?;
    if let Some(ended) = ended(&row)? {
        return Ok(ended);
    }
    if let Some(payment) = row.payment
        && let Some(payment) = payments::find(&mut *app.service.connection().await?, payment).await?
        && payment.status == PaymentStatus::Success
    {
        return Err(too_late("the payment has already succeeded", "PENDING"));
    }
    // It is a task of its own: a caller who hangs up has still cancelled.
    let (client, by) = (app.service.client.clone(), caller.principal());
    let cancelled = app.service.tasks.spawn(async move { client.cancel(row.saga, &by).await });
    match cancelled.await.map_err(Problem::internal)?? {
        Cancelled::TurnedBack => Ok(StatusCode::NO_CONTENT.into_response()),
        Cancelled::InFlight => {
            let (row, now) = find(&app, &caller, id).await?;
            let body = Json(Reservation::of(&app, &row, now).await?);
            Ok(retry_after((StatusCode::ACCEPTED, body).into_response(), LOOK_AGAIN))
        }
        Cancelled::Refused(state) => {
            let (row, _) = find(&app, &caller, id).await?;
            match ended(&row)? {
                Some(response) => Ok(response),
                None if state == SagaState::Stuck => Err(too_late(
                    "an operator must repair the reservation before its seats can be freed",
                    row.status.as_str(),
                )),
                None => Err(too_late("the booking is being confirmed", row.status.as_str())),
            }
        }
    }
}

/// The answer for a reservation that has ended: 204 if it was cancelled, 410 if its time was over, 409 if it is booked.
fn ended(row: &ReservationRow) -> Result<Option<Response>, Problem> {
    match row.status {
        ReservationStatus::Pending => Ok(None),
        ReservationStatus::Cancelled => Ok(Some(StatusCode::NO_CONTENT.into_response())),
        ReservationStatus::Expired => {
            Err(Problem::new(ProblemType::ReservationExpired, "its seats have already been freed"))
        }
        ReservationStatus::Confirmed => Err(too_late("the reservation is booked", row.status.as_str())),
    }
}

fn too_late(detail: &str, state: &str) -> Problem {
    Problem::invalid_state(detail, state, &["PENDING"])
}

//! `GET /payments/{id}`

use super::super::super::{
    app::App,
    auth::Caller,
    conditional::{Conditions, ETag, PRIVATE},
    extract::Id,
    problem::Problem,
    wait::{LOOK_AGAIN, retry_after},
};
use super::{
    super::reservations,
    view::{Payment, action},
};
use axum::{extract::State, response::Response};
use steps::{PaymentId, status::PaymentStatus, store::payments};

/// A payment in any status.
#[utoipa::path(
    get, operation_id = "read_payment", path = "/payments/{id}", tag = "booking", params(("id" = uuid::Uuid, Path, description = "the payment")),
    responses(
        (status = 200, description = "the payment, with `Retry-After` while it is in progress", body = Payment),
        (status = 304, description = "not changed"),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PaymentId>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    let found = payments::find(&mut *app.service.connection().await?, id).await?;
    let row = found.ok_or_else(Problem::not_found)?;
    // The owner of the reservation owns the payment.
    let (reservation, _) = reservations::find(&app, &caller, row.reservation).await?;
    let action = action(&app, reservation.saga, &row).await?;
    let body = Payment::of(&row, action);
    let tag = ETag::of_parts(&[
        row.status.as_str(),
        row.failure.as_deref().unwrap_or_default(),
        &row.refunded_minor.to_string(),
        body.next_action.as_ref().map(|action| action.kind.as_str()).unwrap_or_default(),
    ]);
    let response = conditions.answer(&tag, PRIVATE, &body);
    Ok(if row.status == PaymentStatus::Initiated { retry_after(response, LOOK_AGAIN) } else { response })
}

//! `POST /operator/batches/{id}/{pause|resume|cancel|consent}`

use super::super::{
    super::super::{
        app::App,
        auth::Caller,
        extract::{Id, JsonBody},
        problem::Problem,
    },
    proposals::{Decision, DecisionBody},
};
use axum::{Json, extract::State};
use operator::{BatchId, By};
use service::operators::{self, BatchView};

/// Pauses a batch. No further saga is begun; sagas that were begun are finished and recorded.
#[utoipa::path(
    post, operation_id = "pause_batch", path = "/operator/batches/{id}/pause", tag = "operators",
    request_body = DecisionBody, params(("id" = uuid::Uuid, Path, description = "the batch")),
    responses((status = 200, description = "the batch is paused", body = BatchView))
)]
pub async fn pause(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BatchId>,
    body: JsonBody<Decision>,
) -> Result<Json<BatchView>, Problem> {
    let by = by(caller, body)?;
    Ok(Json(app.service.operator().pause_batch(id, by).await?.into()))
}

/// Goes on with a batch. After a pause it goes on where it was; if it had stopped by itself, a few sagas go first again.
#[utoipa::path(
    post, operation_id = "resume_batch", path = "/operator/batches/{id}/resume", tag = "operators",
    request_body = DecisionBody, params(("id" = uuid::Uuid, Path, description = "the batch")),
    responses((status = 200, description = "the batch goes on", body = BatchView))
)]
pub async fn resume(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BatchId>,
    body: JsonBody<Decision>,
) -> Result<Json<BatchView>, Problem> {
    let by = by(caller, body)?;
    Ok(Json(app.service.operator().resume_batch(id, by).await?.into()))
}

/// Ends a batch, or declines it. What was done stays done.
#[utoipa::path(
    post, operation_id = "cancel_batch", path = "/operator/batches/{id}/cancel", tag = "operators",
    request_body = DecisionBody, params(("id" = uuid::Uuid, Path, description = "the batch")),
    responses((status = 200, description = "the batch is cancelled", body = BatchView))
)]
pub async fn cancel(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BatchId>,
    body: JsonBody<Decision>,
) -> Result<Json<BatchView>, Problem> {
    let by = by(caller, body)?;
    Ok(Json(app.service.operator().cancel_batch(id, by).await?.into()))
}

/// Agrees to a batch, as a second person.
#[utoipa::path(
    post, operation_id = "consent_to_batch", path = "/operator/batches/{id}/consent", tag = "operators",
    request_body = DecisionBody, params(("id" = uuid::Uuid, Path, description = "the batch")),
    responses((status = 200, description = "nodes begin to work on it", body = BatchView))
)]
pub async fn consent(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BatchId>,
    body: JsonBody<Decision>,
) -> Result<Json<BatchView>, Problem> {
    let by = by(caller, body)?;
    Ok(Json(app.service.operator().consent_batch(id, by).await?.into()))
}

fn by(caller: Caller, body: JsonBody<Decision>) -> Result<By, Problem> {
    caller.may_operate()?;
    Ok(operators::by(&caller.subject, &body.value.0)?)
}

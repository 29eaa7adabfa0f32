//! `GET /operator/sagas/{id}`

use super::super::super::{
    app::App,
    auth::Caller,
    conditional::{Conditions, ETag, PRIVATE},
    extract::Id,
    problem::Problem,
};
use axum::{extract::State, response::Response};
use orchestrator::SagaId;
use service::operators::{self, SagaDetail};

/// A saga with its timeline, what is at stake, and what can be done about it.
#[utoipa::path(
    get, operation_id = "read_saga", path = "/operator/sagas/{id}", tag = "operators",
    params(("id" = uuid::Uuid, Path, description = "the saga")),
    responses(
        (status = 200, description = "the saga; its `ETag`, and `saga.etag` in quotes, are for `If-Match`", body = SagaDetail),
        (status = 304, description = "not changed"),
    )
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SagaId>,
    conditions: Conditions,
) -> Result<Response, Problem> {
    caller.may_look()?;
    let detail = operators::read_saga(&app.service.operator(), &app.service.pool, id).await?;
    Ok(conditions.answer(&tag(&detail), PRIVATE, &detail))
}

/// Letters, webhooks and rows change without the saga, so the tag covers everything that is shown. It leaves out the
/// line, which says how long ago things were.
fn tag(detail: &SagaDetail) -> ETag {
    let mut shown = detail.clone();
    shown.saga.line.clear();
    let shown = serde_json::to_string(&shown).unwrap_or_default();
    ETag::of_version_and_parts(&detail.saga.etag, &[&shown])
}

//! `POST /operator/batches`

use super::{
    super::{
        super::super::{
            app::App,
            auth::Caller,
            extract::{JsonBody, Params},
            problem::Problem,
        },
        act::ActParams,
    },
    request::{NewBatch, NewBatchBody},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use operator;
use service::operators::{BatchPreviewView, BatchView, FilterError, by, by_for_preview};

/// Does an action to many sagas: to a few first, then to more and more. It stops if too much goes wrong. A preview only
/// returns the sagas that it would be done to.
#[utoipa::path(
    post, operation_id = "start_batch", path = "/operator/batches", tag = "operators",
    request_body = NewBatchBody, params(ActParams),
    responses(
        (status = 200, description = "a preview: nothing was done", body = BatchPreviewView),
        (status = 202, description = "the batch was made, now or by an earlier request; nodes work on it, or it waits for consent", body = BatchView),
    )
)]
pub async fn start(
    State(app): State<App>,
    caller: Caller,
    Params(ActParams { preview }): Params<ActParams>,
    body: JsonBody<NewBatch>,
) -> Result<Response, Problem> {
    caller.may_operate()?;
    let NewBatch { id, filter, action, reason, canary, stop_at_error_rate } = body.value;
    let by = if preview { by_for_preview } else { by }(&caller.subject, &reason)?;
    let operator = app.service.operator();
    let filter = filter.filter(&operator).await.map_err(|error| match error {
        FilterError::Invalid(invalid) => {
            Problem::wrong_field(&format!("/filter/{}", invalid.field), invalid.detail)
        }
        FilterError::Operator(error) => error.into(),
    })?;
    // A filter without ids would mean every saga.
    let filter = filter.ok_or_else(|| Problem::wrong_field("/filter/q", "finds no saga"))?;
    let mut new = operator::NewBatch::new(filter, action, by);
    new.canary = canary.unwrap_or(new.canary);
    new.stop_at_error_rate = stop_at_error_rate.unwrap_or(new.stop_at_error_rate);
    if preview {
        return Ok(Json(BatchPreviewView::from(operator.preview_batch(&new).await?)).into_response());
    }
    let batch = operator.start_batch(id, new.clone()).await?;
    if !is_of(&batch, &new) {
        return Err(Problem::wrong_field("/id", "belongs to another batch"));
    }
    let mut response = (StatusCode::ACCEPTED, Json(BatchView::from(batch))).into_response();
    let location = HeaderValue::from_str(&format!("/operator/batches/{id}")).expect("ids are ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Whether the stored batch is the one that was asked for, or another one with its id.
fn is_of(batch: &operator::Batch, new: &operator::NewBatch) -> bool {
    let wish = |action| serde_json::to_string(action).unwrap_or_default();
    batch.actor == new.by.actor
        && batch.reason == new.by.reason
        && wish(&batch.action) == wish(&new.action)
        && same_sagas(&batch.filter, &new.filter)
}

/// Compares filters without the search's result, which may be larger the next time.
fn same_sagas(one: &operator::Filter, other: &operator::Filter) -> bool {
    let words = |filter: &operator::Filter| operator::Filter { ids: Vec::new(), ..filter.clone() };
    words(one) == words(other) && one.ids.is_empty() == other.ids.is_empty()
}

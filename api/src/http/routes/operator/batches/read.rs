//! `GET /operator/batches`, `GET /operator/batches/{id}`, `GET /operator/batches/{id}/items`

use super::super::{
    super::super::{
        app::App,
        auth::Caller,
        extract::{Id, Params, bad_parameter},
        list::{Page, PageParams},
        problem::Problem,
    },
    schema,
};
use axum::{Json, extract::State, response::Response};
use operator::BatchId;
use serde::Deserialize;
use service::operators::{BatchView, ItemView, words};
use utoipa::IntoParams;

/// Which items, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ItemParams {
    #[param(schema_with = schema::result)]
    result: Option<String>,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    after: Option<String>,
}

/// Batches, newest first.
#[utoipa::path(
    get, operation_id = "list_batches", path = "/operator/batches", tag = "operators", params(PageParams),
    responses((status = 200, description = "one page", body = Page<BatchView>))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(page): Params<PageParams>,
) -> Result<Response, Problem> {
    caller.may_look()?;
    let (limit, after) = (page.limit()?, page.after()?);
    let found = app.service.operator().batches(after, limit as i64 + 1).await?;
    let page = Page::of(found, limit, |batch| batch.id).map(BatchView::from);
    Ok(page.answer("/operator/batches", limit))
}

/// One batch and its progress.
#[utoipa::path(
    get, operation_id = "read_batch", path = "/operator/batches/{id}", tag = "operators",
    params(("id" = uuid::Uuid, Path, description = "the batch")),
    responses((status = 200, description = "the batch", body = BatchView))
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BatchId>,
) -> Result<Json<BatchView>, Problem> {
    caller.may_look()?;
    Ok(Json(app.service.operator().batch(id).await?.into()))
}

/// The sagas of a batch in order, each with its result.
#[utoipa::path(
    get, operation_id = "list_batch_items", path = "/operator/batches/{id}/items", tag = "operators",
    params(("id" = uuid::Uuid, Path, description = "the batch"), ItemParams),
    responses((status = 200, description = "one page", body = Page<ItemView>))
)]
pub async fn items(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<BatchId>,
    Params(params): Params<ItemParams>,
) -> Result<Response, Problem> {
    caller.may_look()?;
    let ItemParams { result: word, limit, after } = params;
    let page = PageParams::new(limit, after);
    let (limit, after) = (page.limit()?, page.after()?);
    let result = word.as_deref().map(words::result).transpose();
    let result = result.map_err(|detail| bad_parameter("result", &detail))?;
    let operator = app.service.operator();
    operator.batch(id).await?;
    let found = operator.batch_items(id, result, after, limit as i64 + 1).await?;
    let page = Page::of(found, limit, |item| item.number).map(ItemView::from);
    Ok(page.answer_to(&format!("/operator/batches/{id}/items"), &[("result", word)], limit))
}

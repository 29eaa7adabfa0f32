//! `GET /operator/sagas`, `GET /operator/groups`

use super::{
    super::super::{
        app::App,
        auth::Caller,
        extract::{Params, bad_parameter},
        list::{Page, PageParams},
        problem::Problem,
    },
    schema,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use operator::{Filter, Operator};
use serde::Deserialize;
use service::operators::{FilterError, FilterWords, GroupView, ListedView};
use utoipa::IntoParams;

/// Which sagas, and which page of them.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SagaParams {
    #[param(schema_with = schema::state)]
    status: Option<String>,
    /// Only sagas of this workflow.
    workflow: Option<String>,
    /// Only sagas at this step or signal.
    step: Option<String>,
    /// Only sagas of the group with this fingerprint.
    cause: Option<String>,
    #[param(schema_with = schema::trouble)]
    trouble: Option<String>,
    /// Only sagas that nothing was written to for this long: `90s`, `15m`, `24h`, `7d`.
    older_than: Option<String>,
    /// Only sagas that this word finds: an id of anything that is sold or paid, a name, an address, a code, a seat, a gateway's reference.
    q: Option<String>,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    after: Option<String>,
}

/// Which sagas.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GroupParams {
    #[param(schema_with = schema::state)]
    status: Option<String>,
    /// As in the list of sagas.
    workflow: Option<String>,
    /// As in the list of sagas.
    step: Option<String>,
    /// As in the list of sagas.
    cause: Option<String>,
    #[param(schema_with = schema::trouble)]
    trouble: Option<String>,
    /// As in the list of sagas.
    older_than: Option<String>,
    /// As in the list of sagas.
    q: Option<String>,
}

/// Sagas, newest first, each with why it is where it is.
#[utoipa::path(
    get, operation_id = "list_sagas", path = "/operator/sagas", tag = "operators", params(SagaParams),
    responses((status = 200, description = "one page", body = Page<ListedView>))
)]
pub async fn sagas(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<SagaParams>,
) -> Result<Response, Problem> {
    caller.may_look()?;
    let SagaParams { status, workflow, step, cause, trouble, older_than, q, limit, after } = params;
    let page = PageParams::new(limit, after);
    let (limit, after) = (page.limit()?, page.after()?);
    let words = FilterWords { status, workflow, step, cause, trouble, older_than, q };
    let operator = app.service.operator();
    let found = match filter(&operator, &words).await? {
        Some(filter) => operator.list(&filter, after, limit as i64 + 1).await?,
        None => Vec::new(),
    };
    let page = Page::of(found, limit, |saga| saga.id).map(ListedView::from);
    Ok(page.answer_to("/operator/sagas", &words.fields(), limit))
}

/// Sagas grouped by what is wrong with them, the largest group first: what is at stake, and what to do first.
#[utoipa::path(
    get, operation_id = "list_groups", path = "/operator/groups", tag = "operators", params(GroupParams),
    responses((status = 200, description = "all groups; there are few, so `next` is always null", body = Page<GroupView>))
)]
pub async fn groups(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<GroupParams>,
) -> Result<Response, Problem> {
    caller.may_look()?;
    let GroupParams { status, workflow, step, cause, trouble, older_than, q } = params;
    let words = FilterWords { status, workflow, step, cause, trouble, older_than, q };
    let operator = app.service.operator();
    let groups = match filter(&operator, &words).await? {
        Some(filter) => operator.groups(&filter).await?,
        None => Vec::new(),
    };
    let items: Vec<GroupView> = groups.into_iter().map(GroupView::from).collect();
    Ok(Json(Page { items, next: None }).into_response())
}

async fn filter(operator: &Operator, words: &FilterWords) -> Result<Option<Filter>, Problem> {
    words.filter(operator).await.map_err(|error| match error {
        FilterError::Invalid(invalid) => bad_parameter(invalid.field, &invalid.detail),
        FilterError::Operator(error) => error.into(),
    })
}

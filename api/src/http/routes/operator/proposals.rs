//! `/operator/proposals`: actions that wait for a second person.

use super::{
    super::super::{
        app::App,
        auth::Caller,
        extract::{Fields, FromFields, Id, JsonBody, Params},
        list::{Page, PageParams},
        problem::Problem,
    },
    new_action::Reason,
    schema,
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use operator::ProposalId;
use serde::Deserialize;
use service::operators::{Acted, PlanView, ProposalView, by};
use utoipa::{IntoParams, ToSchema};

/// Which proposals, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProposalParams {
    /// Only proposals that can still be decided.
    #[param(default = false)]
    #[serde(default)]
    open: bool,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    after: Option<String>,
}

/// The reason for a decision.
pub struct Decision(pub String);

/// As the document describes it.
#[derive(ToSchema)]
#[schema(as = Decision)]
#[allow(dead_code, reason = "only its schema is used")]
pub struct DecisionBody {
    #[schema(schema_with = schema::reason)]
    reason: String,
}

impl FromFields for Decision {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        fields.required::<Reason>("reason").map(|reason| Self(reason.0))
    }
}

/// Actions that wait for a second person, and those that were decided, newest first.
#[utoipa::path(
    get, operation_id = "list_proposals", path = "/operator/proposals", tag = "operators", params(ProposalParams),
    responses((status = 200, description = "one page", body = Page<ProposalView>))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<ProposalParams>,
) -> Result<Response, Problem> {
    caller.may_look()?;
    let ProposalParams { open, limit, after } = params;
    let page = PageParams::new(limit, after);
    let (limit, after) = (page.limit()?, page.after()?);
    let found = app.service.operator().proposals(open, after, limit as i64 + 1).await?;
    let page = Page::of(found, limit, |proposal| proposal.id).map(ProposalView::from);
    Ok(page.answer_to("/operator/proposals", &[("open", open.then(|| "true".to_owned()))], limit))
}

/// One proposal.
#[utoipa::path(
    get, operation_id = "read_proposal", path = "/operator/proposals/{id}", tag = "operators",
    params(("id" = uuid::Uuid, Path, description = "the proposal")),
    responses((status = 200, description = "the proposal", body = ProposalView))
)]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ProposalId>,
) -> Result<Json<ProposalView>, Problem> {
    caller.may_look()?;
    Ok(Json(app.service.operator().proposal(id).await?.into()))
}

/// Agrees to a proposal. Exactly what was proposed is done, in both names, or nothing is done.
#[utoipa::path(
    post, operation_id = "consent_to_proposal", path = "/operator/proposals/{id}/consent", tag = "operators",
    request_body = DecisionBody,
    params(("id" = uuid::Uuid, Path, description = "the proposal")),
    responses((status = 202, description = "the action was done, and lanes go on from there", body = Acted))
)]
pub async fn consent(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ProposalId>,
    body: JsonBody<Decision>,
) -> Result<Response, Problem> {
    caller.may_operate()?;
    let by = by(&caller.subject, &body.value.0)?;
    let plan = app.service.operator().consent(id, by).await?;
    Ok((StatusCode::ACCEPTED, Json(Acted::plan(PlanView::from(plan)))).into_response())
}

/// Declines a proposal. The person who made it may withdraw it this way.
#[utoipa::path(
    post, operation_id = "decline_proposal", path = "/operator/proposals/{id}/decline", tag = "operators",
    request_body = DecisionBody,
    params(("id" = uuid::Uuid, Path, description = "the proposal")),
    responses((status = 200, description = "the proposal is closed, and nothing was done", body = ProposalView))
)]
pub async fn decline(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<ProposalId>,
    body: JsonBody<Decision>,
) -> Result<Json<ProposalView>, Problem> {
    caller.may_operate()?;
    let by = by(&caller.subject, &body.value.0)?;
    Ok(Json(app.service.operator().decline(id, by).await?.into()))
}

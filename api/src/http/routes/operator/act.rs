//! `POST /operator/sagas/{id}/actions`

use super::{
    super::super::{
        app::App,
        auth::Caller,
        conditional::Conditions,
        extract::{Id, JsonBody, Params},
        problem::{Problem, ProblemType},
    },
    new_action::{NewAction, NewActionBody},
};
use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use operator::{Expected, OperatorError, Requested};
use orchestrator::SagaId;
use serde::Deserialize;
use service::operators::{Acted, PlanView, ProposalView, by, by_for_preview};
use utoipa::IntoParams;

/// Whether only a preview is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ActParams {
    /// Only return what would be done.
    #[param(default = false)]
    #[serde(default)]
    pub preview: bool,
}

/// Does an action to a saga, or returns a preview of it.
#[utoipa::path(
    post, operation_id = "act_on_saga", path = "/operator/sagas/{id}/actions", tag = "operators",
    request_body = NewActionBody,
    params(
        ("id" = uuid::Uuid, Path, description = "the saga"), ActParams,
        ("If-Match" = Option<String>, Header, description = "the version that you have seen: `saga.etag` in quotes, or the `ETag` of the saga. Required, except for a preview"),
    ),
    responses(
        (status = 200, description = "a preview: nothing was done", body = Acted),
        (status = 202, description = "`plan`: the action was done, and lanes go on from there; `proposal`: it moves more money than one person may move alone, and waits for a second person", body = Acted),
    )
)]
pub async fn act(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<SagaId>,
    Params(ActParams { preview }): Params<ActParams>,
    conditions: Conditions,
    body: JsonBody<NewAction>,
) -> Result<Response, Problem> {
    caller.may_operate()?;
    let NewAction { action, reason, plan: plan_hash } = body.value;
    let seen = conditions.version()?.map(ToOwned::to_owned);
    let operator = app.service.operator();
    if preview {
        let plan = operator.plan(id, action, by_for_preview(&caller.subject, &reason)?).await?;
        if seen.is_some_and(|seen| seen != plan.etag) {
            return Err(OperatorError::Changed { etag: plan.etag }.into());
        }
        return Ok(Json(Acted::plan(PlanView::from(plan))).into_response());
    }
    let Some(etag) = seen else {
        let detail = "send the version that you have seen as `If-Match`";
        return Err(Problem::new(ProblemType::PreconditionRequired, detail));
    };
    let by = by(&caller.subject, &reason)?;
    let acted = match operator.request(id, action, by, Expected { etag, plan_hash }).await? {
        Requested::Done(plan) => Acted::plan(PlanView::from(plan)),
        Requested::Proposed(proposal) => Acted::proposal(ProposalView::from(proposal)),
    };
    Ok((StatusCode::ACCEPTED, Json(acted)).into_response())
}

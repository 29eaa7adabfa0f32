//! `GET /operator/audit`

use super::super::super::{
    app::App,
    auth::Caller,
    extract::Params,
    list::{Page, PageParams},
    problem::Problem,
};
use axum::{extract::State, response::Response};
use operator::audit;
use orchestrator::SagaId;
use serde::Deserialize;
use service::operators::{AuditView, audited_as};
use utoipa::IntoParams;

/// Which rows of the audit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditParams {
    /// Only rows about this saga.
    #[param(value_type = Option<uuid::Uuid>)]
    saga: Option<SagaId>,
    /// Only rows by this actor.
    actor: Option<String>,
    /// Only rows of this action.
    action: Option<String>,
    /// The most items of a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u32>,
    /// The `next` of the previous page.
    after: Option<String>,
}

/// The audit: what was done to sagas besides their own course, latest first.
#[utoipa::path(
    get, operation_id = "list_audit", path = "/operator/audit", tag = "operators", params(AuditParams),
    responses((status = 200, description = "one page", body = Page<AuditView>))
)]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Params(params): Params<AuditParams>,
) -> Result<Response, Problem> {
    caller.may_look()?;
    let AuditParams { saga, actor, action, limit, after } = params;
    let action = action.map(audited_as);
    let page = PageParams::new(limit, after);
    let (limit, after) = (page.limit()?, page.after()?);
    let which = audit::Which { saga, actor: actor.as_deref(), action: action.as_deref() };
    let found = audit::list(&mut *app.service.connection().await?, &which, after, limit as i64 + 1).await?;
    let page = Page::of(found, limit, |row| row.id).map(AuditView::from);
    let query = [("saga", saga.map(|saga| saga.to_string())), ("actor", actor), ("action", action)];
    Ok(page.answer_to("/operator/audit", &query, limit))
}

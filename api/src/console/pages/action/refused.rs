//! Pages that say why an action was not done, and what can be done instead.

use super::{
    super::super::{
        page::{Page, Section, proof},
        session::Visitor,
        words,
    },
    ActionForm, crumbs,
};
use crate::{console::pages::value::differences, http::Problem};
use axum::{http::StatusCode, response::Response};
use maud::{Markup, html};
use operator::{OperatorError, Plan};
use orchestrator::SagaId;
use service::operators::{ActionRow, action_named};

/// A page for a change that a colleague or a lane made meanwhile, and for what the saga's state forbids. Other errors are problems.
///
/// # Errors
/// Every other error.
pub fn answer(
    visitor: &Visitor,
    saga: SagaId,
    row: ActionRow,
    sent: &ActionForm,
    error: OperatorError,
    address: &str,
) -> Result<Response, Problem> {
    let (status, title, content) = match error {
        OperatorError::Changed { etag } => {
            (StatusCode::PRECONDITION_FAILED, "The saga has changed", changed(sent, &etag))
        }
        OperatorError::PlanChanged(plan) => {
            (StatusCode::CONFLICT, "The action would do something else now", plan_changed(&plan))
        }
        OperatorError::NotAllowed { why, allowed, .. } => {
            (StatusCode::CONFLICT, "Not possible", not_allowed(saga, &why, &allowed))
        }
        error => return Err(error.into()),
    };
    let page = Page::new(title, Section::WorkList).with_status(status).still(html! {
        section {
            (crumbs(saga))
            h1 { (title) }
            div.notice.heed { p { strong { "Nothing was done. " } } (content) }
            form.actions method="post" action={ "/console/sagas/" (saga) "/actions/" (row.kind.name()) } {
                (proof(visitor))
                (sent.hidden())
                button.main { "Preview again" }
                a href={ "/console/sagas/" (saga) } { "See the saga as it is now" }
                a href={ "/console/audit?saga=" (saga) } { "See what was done to it" }
            }
        }
    });
    Ok(page.answer(visitor, address))
}

fn changed(sent: &ActionForm, etag: &str) -> Markup {
    html! {
        p { "The saga changed after the preview: a lane went on with it, or a colleague acted. If the button was pressed twice, the first press has done it." }
        p { "The saga's version was " del { code { (sent.etag.as_deref().unwrap_or("–")) } } ", and is now " ins { code { (etag) } } "." }
    }
}

fn plan_changed(plan: &Plan) -> Markup {
    let changes = differences(&plan.before, &plan.after);
    html! {
        p { "The saga has not changed, but rows around it have, so the action would not do what its preview said. Now it would leave the saga "
            strong { (plan.state) } @if plan.paused { ", paused" } ", make " (words::things(plan.calls.len() as i64, "call")) " and change:" }
        ul { @for change in &changes {
            li { (change.path) ": " del { (change.before.as_deref().unwrap_or("not there")) } " → " ins { (change.after.as_deref().unwrap_or("gone")) } }
        } }
    }
}

fn not_allowed(saga: SagaId, why: &str, allowed: &[&'static str]) -> Markup {
    html! {
        p { (why) "." }
        @if !allowed.is_empty() {
            p { "Possible now: " @for (index, name) in allowed.iter().enumerate() {
                @if index > 0 { ", " }
                @let label = action_named(name).map_or(*name, |row| row.label);
                a href={ "/console/sagas/" (saga) "/actions/" (name) } { (label) }
            } "." }
        }
    }
}

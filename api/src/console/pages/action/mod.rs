//! Acting on one saga: a form, then a preview of exactly what it would do, then one button that does exactly that.
//!
//! The preview carries the saga's version and the plan's hash. If either has changed when the button is pressed, nothing is
//! done, and the page says what changed. Pressing twice is the same case: the second press finds a new version.

pub mod form;
mod preview;
mod refused;

use super::super::{
    page::{Page, Section, proof},
    session::Visitor,
};
use crate::console::Console;
use crate::http::{Problem, ProblemType};
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use operator::{Expected, Requested, Seen};
use orchestrator::SagaId;
use service::operators::{ActionRow, Invalid, action_named};

pub use form::ActionForm;

/// The form of one action.
///
/// # Errors
/// There is no such saga or action.
pub async fn form(console: &Console, visitor: &Visitor, saga: SagaId, action: &str) -> Result<Page, Problem> {
    let row = row_of(action)?;
    let seen = console.service.operator().see(saga).await?;
    Ok(page_of_form(visitor, &seen, row, &ActionForm::default(), None))
}

/// The action that an address names.
fn row_of(word: &str) -> Result<ActionRow, Problem> {
    action_named(word).map_err(|invalid| Problem::new(ProblemType::NotFound, invalid.to_string()))
}

/// The form before a preview, filled in as it was sent, with the first mistake in it.
fn page_of_form(
    visitor: &Visitor,
    seen: &Seen,
    row: ActionRow,
    sent: &ActionForm,
    invalid: Option<&Invalid>,
) -> Page {
    let saga = seen.status.id;
    let refused = seen.allowed.iter().find(|allowed| allowed.action == row.kind);
    let refused = refused.and_then(|allowed| allowed.refused.as_deref());
    let page = Page::new(format!("{} {saga}", row.label), Section::WorkList);
    page.still(html! {
        section {
            (crumbs(saga))
            h1 { (row.label) }
            p { (row.does) ". " (row.advice) }
            p.line { (seen.why.line(seen.now)) }
            @if let Some(refused) = refused {
                div.notice.bad-news { p { strong { "Not possible now: " } (refused) "." } }
            }
            @if !visitor.may_act() {
                div.notice { p { "Auditors may only read. Acting needs the role " code { "operator" } "." } }
            } @else if refused.is_none() {
                @if let Some(invalid) = invalid { (super::refused::invalid(invalid)) }
                form.column method="post" action={ "/console/sagas/" (saga) "/actions/" (row.kind.name()) } {
                    (proof(visitor))
                    (form::fields(row, sent, seen))
                    (form::reason(&sent.reason))
                    div.actions {
                        button.main { "Preview" }
                        span.faint { "This does nothing yet." }
                    }
                }
            }
        }
    })
}

/// Shows what the action would do.
pub async fn preview(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path((saga, action)): Path<(SagaId, String)>,
    Form(sent): Form<ActionForm>,
) -> Result<Response, Problem> {
    let row = row_of(&action)?;
    let address = format!("/console/sagas/{saga}/actions/{action}");
    let operator = console.service.operator();
    let (asked, by) = match sent.requested_action(row, &visitor) {
        Ok(asked) => asked,
        Err(invalid) => return form_with(&console, &visitor, saga, row, &sent, &invalid).await,
    };
    match operator.plan(saga, asked, by).await {
        Ok(plan) => {
            let seen = operator.see(saga).await?;
            let second = operator.limits().exceeded_by(&plan.money);
            Ok(preview::page(&visitor, &seen, row, &sent, &plan, second).answer(&visitor, &address))
        }
        Err(error) => refused::answer(&visitor, saga, row, &sent, error, &address),
    }
}

/// Does what was previewed.
pub async fn perform(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path((saga, action)): Path<(SagaId, String)>,
    Form(sent): Form<ActionForm>,
) -> Result<Response, Problem> {
    let row = row_of(&action)?;
    let (asked, by) = match sent.requested_action(row, &visitor) {
        Ok(asked) => asked,
        Err(invalid) => return form_with(&console, &visitor, saga, row, &sent, &invalid).await,
    };
    let (Some(etag), Some(plan_hash)) = (sent.etag.clone(), sent.plan.clone()) else {
        return Err(Problem::new(
            ProblemType::MalformedRequest,
            "nothing is done without a preview: open the form again",
        ));
    };
    match console
        .service
        .operator()
        .request(saga, asked, by, Expected { etag, plan_hash: Some(plan_hash) })
        .await
    {
        Ok(Requested::Proposed(proposal)) => {
            Ok(Redirect::to(&format!("/console/proposals/{}", proposal.id)).into_response())
        }
        Ok(Requested::Done(_)) => {
            Ok(Redirect::to(&format!("/console/sagas/{saga}?did={}", row.kind.name())).into_response())
        }
        Err(error) => {
            let address = format!("/console/sagas/{saga}/actions/{action}");
            refused::answer(&visitor, saga, row, &sent, error, &address)
        }
    }
}

/// The form as it was sent, with its mistake.
async fn form_with(
    console: &Console,
    visitor: &Visitor,
    saga: SagaId,
    row: ActionRow,
    sent: &ActionForm,
    invalid: &Invalid,
) -> Result<Response, Problem> {
    let seen = console.service.operator().see(saga).await?;
    let page = page_of_form(visitor, &seen, row, sent, Some(invalid));
    let address = format!("/console/sagas/{saga}/actions/{}", row.kind.name());
    Ok(page.with_status(StatusCode::UNPROCESSABLE_ENTITY).answer(visitor, &address))
}

fn crumbs(saga: SagaId) -> Markup {
    html! { nav.crumbs aria-label="Where" { a href={ "/console/sagas/" (saga) } { "Saga " (saga) } } }
}

//! Acting on one saga: a form, then a preview of exactly what it comes to, then one button that does exactly that.
//!
//! The preview carries the saga's version and the plan's hash; if either is another when the button is pressed, nothing is
//! done, and the page says what changed. Pressing twice is the same case: the second press finds another version.

mod preview;
mod refused;
mod wish;

use super::super::{
    page::{Page, Section, proof},
    session::Visitor,
};
use crate::console::Console;
use crate::http::{Problem, ProblemType};
use axum::{
    Extension, Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use orchestrator::{
    SagaId,
    operator::{By, Expected, Requested, Seen},
};
pub use wish::{Known, Sent, known};

/// The form of one action.
///
/// # Errors
/// There is no such saga or action.
pub async fn form(console: &Console, visitor: &Visitor, saga: SagaId, action: &str) -> Result<Page, Problem> {
    let known = known(action).ok_or_else(Problem::not_found)?;
    let seen = console.service.operator().see(saga).await?;
    Ok(page_of_form(visitor, &seen, known, &Sent::default(), None))
}

/// What is asked before a preview, filled in as it was sent, with what was wrong about that.
fn page_of_form(
    visitor: &Visitor,
    seen: &Seen,
    known: &'static Known,
    sent: &Sent,
    wrong: Option<&str>,
) -> Page {
    let saga = seen.status.id;
    let refused = seen.allowed.iter().find(|allowed| allowed.action.name() == known.name);
    let refused = refused.and_then(|allowed| allowed.refused.as_deref());
    let page = Page::new(format!("{} {saga}", known.label), Section::WorkList);
    page.still(html! {
        section {
            (crumbs(saga))
            h1 { (known.label) }
            p { (known.about) }
            p.line { (seen.why.line(seen.now)) }
            @if let Some(refused) = refused {
                div.notice.bad-news { p { strong { "Not possible now: " } (refused) "." } }
            }
            @if !visitor.may_act() {
                div.notice { p { "An auditor reads; acting needs the role " code { "operator" } "." } }
            } @else if refused.is_none() {
                @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
                form.column method="post" action={ "/console/sagas/" (saga) "/actions/" (known.name) } {
                    (proof(visitor))
                    (wish::fields(known, sent, seen))
                    div {
                        label for="reason" { "Reason" }
                        textarea #reason name="reason" required maxlength="2000" placeholder="Why, for those who read the audit later" { (sent.reason) }
                        p.hint { "It is kept in the audit, with your name." }
                    }
                    div.actions {
                        button.main { "Preview" }
                        span.faint { "Nothing is done yet." }
                    }
                }
            }
        }
    })
}

/// What the action would come to.
pub async fn preview(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path((saga, action)): Path<(SagaId, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let known = known(&action).ok_or_else(Problem::not_found)?;
    let address = format!("/console/sagas/{saga}/actions/{action}");
    let operator = console.service.operator();
    let again = async |wrong: &str| -> Result<Response, Problem> {
        let seen = operator.see(saga).await?;
        let page = page_of_form(&visitor, &seen, known, &sent, Some(wrong));
        Ok(page.with_status(axum::http::StatusCode::UNPROCESSABLE_ENTITY).answer(&visitor, &address))
    };
    let wished = match sent.action(known) {
        Ok(wished) => wished,
        Err(wrong) => return again(&wrong).await,
    };
    if sent.reason.trim().is_empty() {
        return again("A reason is needed.").await;
    }
    let by = By { actor: visitor.subject.clone(), reason: sent.reason.clone() };
    match operator.plan(saga, wished, by).await {
        Ok(plan) => {
            let seen = operator.see(saga).await?;
            let second = operator.limits().exceeded_by(&plan.money);
            Ok(preview::page(&visitor, &seen, known, &sent, &plan, second).answer(&visitor, &address))
        }
        Err(error) => refused::answer(&visitor, saga, known, &sent, error, &address),
    }
}

/// Does what was previewed.
pub async fn perform(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path((saga, action)): Path<(SagaId, String)>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let known = known(&action).ok_or_else(Problem::not_found)?;
    let wished = sent.action(known).map_err(|wrong| Problem::new(ProblemType::MalformedRequest, wrong))?;
    let by = By { actor: visitor.subject.clone(), reason: sent.reason.clone() };
    let (Some(etag), Some(plan_hash)) = (sent.etag.clone(), sent.plan.clone()) else {
        return Err(Problem::new(ProblemType::MalformedRequest, "nothing is done without a preview of it"));
    };
    match console
        .service
        .operator()
        .request(saga, wished, by, Expected { etag, plan_hash: Some(plan_hash) })
        .await
    {
        Ok(Requested::Proposed(proposal)) => {
            Ok(Redirect::to(&format!("/console/proposals/{}", proposal.id)).into_response())
        }
        Ok(Requested::Done(_)) => {
            Ok(Redirect::to(&format!("/console/sagas/{saga}?did={}", known.name)).into_response())
        }
        Err(error) => {
            let address = format!("/console/sagas/{saga}/actions/{action}");
            refused::answer(&visitor, saga, known, &sent, error, &address)
        }
    }
}

fn crumbs(saga: SagaId) -> Markup {
    html! { nav.crumbs aria-label="Where" { a href={ "/console/sagas/" (saga) } { "Saga " (saga) } } }
}

//! Proposals: actions that move more money than one person may move alone, and wait for a second person.

use super::{
    super::{
        page::{Page, Section, proof},
        queries::query,
        session::Visitor,
        words,
    },
    action::form::reason,
    refused,
};
use crate::console::Console;
use crate::http::Problem;
use axum::{
    Extension, Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::Utc;
use maud::{Markup, html};
use operator::{Proposal, ProposalId, ProposalState};
use serde::Deserialize;
use service::operators::{Decision, action_row, by};

/// Proposals of one page.
const ROWS: i64 = 50;

/// The page with all proposals, newest first.
///
/// # Errors
/// The database failed.
pub async fn list(console: &Console, after: Option<ProposalId>) -> Result<Page, Problem> {
    let rows = console.service.operator().proposals(false, after, ROWS).await?;
    let next = rows
        .last()
        .filter(|_| rows.len() as i64 == ROWS)
        .map(|last| query(&[("after", Some(last.id.to_string()))]));
    let heading = html! {
        section {
            h1 { "Proposals" }
            p.faint { "An action that moves more money than one person may move alone waits here for a second person, for at most a day." }
        }
    };
    Ok(Page::new("Proposals", Section::Proposals).still(heading).live("proposals", html! {
        div.wide { table {
            thead { tr { th { "made" } th { "state" } th { "action" } th.number { "moves" } th { "saga" } th { "by" } th { "reason" } } }
            tbody { @for row in &rows { (self::row(row)) } }
        } }
        @if rows.is_empty() { p.faint { "There has been no proposal yet." } }
        @if let Some(next) = next { nav.pages { a rel="next" href={ "/console/proposals" (next) } { "Older" } } }
    }))
}

fn row(proposal: &Proposal) -> Markup {
    let now = Utc::now();
    html! {
        tr id={ "p" (proposal.id) } data-row tabindex="-1" {
            td.nowrap { (words::moment(proposal.created_at, now)) }
            td.nowrap { (state(proposal.state)) }
            td { a href={ "/console/proposals/" (proposal.id) } { (label(proposal)) } }
            td.number { (words::stakes(&proposal.money)) }
            td { a href={ "/console/sagas/" (proposal.saga) } { code { (proposal.saga) } } }
            td { strong { (proposal.actor) } @if let Some(second) = &proposal.decided_by { ", then " strong { (second) } } }
            td { (proposal.reason) }
        }
    }
}

fn state(state: ProposalState) -> Markup {
    match state {
        ProposalState::Open => html! { span.doubt { "▲ waits for a second person" } },
        ProposalState::Outdated => html! { span.faint { "outdated: its saga has changed" } },
        ProposalState::Consented => html! { span.good { "✓ agreed and done" } },
        ProposalState::Declined => html! { span.bad { "✗ declined" } },
        ProposalState::Expired => html! { span.faint { "nobody decided in time" } },
    }
}

fn label(proposal: &Proposal) -> &'static str {
    action_row(proposal.action.kind()).label
}

/// The page of one proposal.
///
/// # Errors
/// There is no proposal with this id.
pub async fn page(console: &Console, visitor: &Visitor, id: ProposalId) -> Result<Page, Problem> {
    let proposal = console.service.operator().proposal(id).await?;
    let now = Utc::now();
    let open = proposal.state == ProposalState::Open;
    let own = proposal.actor.trim().to_lowercase() == visitor.subject.trim().to_lowercase();
    let facts = html! {
        section {
            nav.crumbs aria-label="Where" { a href="/console/proposals" { "Proposals" } }
            h1 { (label(&proposal)) " saga " a href={ "/console/sagas/" (proposal.saga) } { (proposal.saga) } }
            p.line { (state(proposal.state)) }
            dl.facts {
                dt { "proposed by" } dd { strong { (proposal.actor) } " " (words::ago(proposal.created_at, now)) ": “" (proposal.reason) "”" }
                dt { "moves" } dd { strong { (words::stakes(&proposal.money)) } }
                dt { "open" } dd { "until " (words::moment(proposal.expires_at, now)) " " span.faint { (words::ago(proposal.expires_at, now)) } }
                @if let (Some(by), Some(at)) = (&proposal.decided_by, proposal.decided_at) {
                    dt { "decided by" } dd { strong { (by) } " " (words::ago(at, now)) @if let Some(why) = &proposal.decided_why { ": “" (why) "”" } }
                }
                dt { "action" } dd { (super::value::folded("as JSON", &serde_json::to_string(&proposal.action).unwrap_or_default())) }
                dt { "plan" } dd { (words::id(&proposal.plan_hash)) " of version " code { (proposal.etag) } }
            }
        }
    };
    let forms = html! {
        @if open && visitor.may_act() {
            section {
                @if own {
                    div.notice.heed { p { "You proposed this, so somebody else must agree. You may withdraw it." } }
                }
                form.column method="post" action={ "/console/proposals/" (id) } {
                    (proof(visitor))
                    (reason(""))
                    div.actions {
                        @if !own { button.main name="decision" value="consent" { "Agree and do it" } }
                        button name="decision" value="decline" { @if own { "Withdraw" } @else { "Decline" } }
                    }
                    p.hint { "If the saga or its rows have changed since the proposal, nothing is done." }
                }
            }
        }
    };
    Ok(Page::new(format!("Proposal {id}"), Section::Proposals).live("proposal", facts).still(forms))
}

/// The form of the second person's decision.
#[derive(Deserialize)]
pub struct DecisionForm {
    decision: String,
    #[serde(default)]
    reason: String,
}

/// Agrees or declines.
pub async fn decide(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<ProposalId>,
    Form(sent): Form<DecisionForm>,
) -> Result<Response, Problem> {
    let operator = console.service.operator();
    let back = format!("/console/proposals/{id}");
    let asked = Decision::of(&sent.decision);
    let (decision, by) = match asked.and_then(|decision| Ok((decision, by(&visitor.subject, &sent.reason)?)))
    {
        Ok(asked) => asked,
        Err(invalid) => return Ok(refused::answer_invalid(&visitor, &invalid, &back)),
    };
    let done = match decision {
        Decision::Consent => operator
            .consent(id, by)
            .await
            .map(|plan| format!("/console/sagas/{}?did={}", plan.saga, plan.action)),
        Decision::Decline => {
            operator.decline(id, by).await.map(|proposal| format!("/console/proposals/{}", proposal.id))
        }
    };
    match done {
        Ok(address) => Ok(Redirect::to(&address).into_response()),
        Err(error) => refused::answer(&visitor, error, &back),
    }
}

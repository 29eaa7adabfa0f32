//! One batch: how far it is, what came of each of its sagas, and what can be done about it.

use super::super::{
    super::{
        address::query,
        page::{Page, Section, proof},
        session::Visitor,
        words,
    },
    action::known,
    refused,
};
use crate::console::Console;
use crate::http::Problem;
use axum::{
    Extension, Form,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use orchestrator::operator::{Batch, BatchId, BatchItem, BatchState, By, ItemResult};
use serde::Deserialize;

/// Items of one page.
const ROWS: i64 = 100;

/// The page.
///
/// # Errors
/// There is none of this id.
pub async fn page(
    console: &Console,
    visitor: &Visitor,
    id: BatchId,
    result: Option<ItemResult>,
    after: Option<i32>,
) -> Result<Page, Problem> {
    let operator = console.service.operator();
    let batch = operator.batch(id).await?;
    let items = operator.batch_items(id, result, after, ROWS).await?;
    let now = Utc::now();
    Ok(Page::new(format!("Batch {id}"), Section::Batches)
        .live("batch", summary(&batch, now))
        .still(steering(&batch, visitor))
        .live("items", table(&batch, &items, result, now)))
}

fn summary(batch: &Batch, now: DateTime<Utc>) -> Markup {
    let done = batch.items - batch.results.waiting - batch.results.acted;
    let label = known(batch.action.name()).map_or(batch.action.name(), |known| known.label);
    html! {
        section {
            nav.crumbs aria-label="Where" { a href="/console/batches" { "Batches" } }
            h1 { (label) ", " (words::thousands(batch.items.into())) @if batch.items == 1 { " saga" } @else { " sagas" } }
            p.line { (state(batch.state)) @if let Some(why) = &batch.why { ": " (why) } }
            progress max=(batch.items.max(1)) value=(done) aria-label="Settled" { (done) " of " (batch.items) }
            p { strong { (words::thousands(done.into())) } " of " (words::thousands(batch.items.into())) " settled, round " (batch.round) @if batch.capped { "; more matched than one batch takes" } }
            dl.facts {
                dt { "by" } dd { strong { (batch.actor) } " " (words::ago(batch.created_at, now)) ": “" (batch.reason) "”" }
                @if let Some(by) = &batch.consented_by { dt { "agreed" } dd { strong { (by) } } }
                @if let (BatchState::AwaitingConsent, Some(until)) = (batch.state, batch.consent_until) { dt { "waits for a second person" } dd { "until " (words::moment(until, now)) } }
                dt { "which" } dd { code { (serde_json::to_string(&batch.filter).unwrap_or_default()) } }
                @if !batch.stakes.is_empty() { dt { "at stake" } dd { (words::stakes(&batch.stakes)) } }
                dt { "how" } dd { (batch.canary) " first; stops if more than " (format!("{:.0}", batch.stop_at_error_rate * 100.0)) " in a hundred come to a bad end" }
                dt { "last noted" } dd { (words::ago(batch.updated_at, now)) @if let Some(node) = &batch.node { " by " (node) } }
                dt { "id" } dd { (words::id(batch.id)) }
            }
        }
    }
}

/// A batch's state: a mark and words.
pub fn state(state: BatchState) -> Markup {
    match state {
        BatchState::AwaitingConsent => html! { span.doubt { "▲ waits for a second person" } },
        BatchState::Canary => html! { "▶ the first few" },
        BatchState::Ramping => html! { "▶ rounds that grow" },
        BatchState::Paused => html! { span.doubt { "❚❚ paused" } },
        BatchState::Stopped => html! { span.bad { "■ stopped by itself" } },
        BatchState::Cancelled => html! { span.faint { "✗ cancelled" } },
        BatchState::Done => html! { span.good { "✓ done" } },
    }
}

fn steering(batch: &Batch, visitor: &Visitor) -> Markup {
    let over = matches!(batch.state, BatchState::Cancelled | BatchState::Done);
    let own = batch.actor.trim().to_lowercase() == visitor.subject.trim().to_lowercase();
    html! {
        @if !over && visitor.may_act() {
            section {
                details open[batch.state == BatchState::AwaitingConsent] {
                    summary { "Steer it" }
                    form.column method="post" action={ "/console/batches/" (batch.id) } {
                        (proof(visitor))
                        div { label for="reason" { "Reason" } input #reason name="reason" required maxlength="2000"; }
                        div.actions {
                            @if batch.state == BatchState::AwaitingConsent && !own { button.main name="wish" value="consent" { "Agree, and begin" } }
                            button name="wish" value="pause" { "Pause" }
                            button name="wish" value="resume" { "Resume" }
                            button name="wish" value="cancel" { "Cancel" }
                        }
                        p.hint { "A button that does not fit the batch's state is refused, and says why. What was done stays done." }
                    }
                }
            }
        }
    }
}

fn table(batch: &Batch, items: &[BatchItem], chosen: Option<ItemResult>, now: DateTime<Utc>) -> Markup {
    let results = batch.results;
    let counts = [
        (None, batch.items),
        (Some(ItemResult::Waiting), results.waiting),
        (Some(ItemResult::Acted), results.acted),
        (Some(ItemResult::Mended), results.mended),
        (Some(ItemResult::StuckAgain), results.stuck_again),
        (Some(ItemResult::Refused), results.refused),
        (Some(ItemResult::Failed), results.failed),
    ];
    let address = |result: Option<ItemResult>, after: Option<i32>| {
        let fields = [
            ("result", result.map(|result| result.to_string())),
            ("after", after.map(|after| after.to_string())),
        ];
        format!("/console/batches/{}{}", batch.id, query(&fields))
    };
    let next = items.last().filter(|_| items.len() as i64 == ROWS).map(|last| last.number);
    html! {
        section {
            h2 { "Results" }
            ul.filters { @for (result, count) in counts {
                li { a href=(address(result, None)) aria-current=[(result == chosen).then_some("true")] {
                    (result.map_or("all".to_owned(), |result| result.to_string().replace('_', " "))) " " strong { (words::thousands(count.into())) }
                } }
            } }
            div.wide { table {
                thead { tr { th.number { "#" } th { "saga" } th { "result" } th { "why" } th { "acted" } th { "settled" } } }
                tbody { @for item in items {
                    tr id={ "i" (item.number) } data-row tabindex="-1" {
                        td.number { (item.number) }
                        td { a href={ "/console/sagas/" (item.saga) } { code { (item.saga) } } }
                        td.nowrap { (self::result(item.result)) }
                        td { (item.why.as_deref().unwrap_or("")) }
                        td.nowrap { @if let Some(at) = item.acted_at { (words::moment(at, now)) } }
                        td.nowrap { @if let Some(at) = item.settled_at { (words::moment(at, now)) } }
                    }
                } }
            } }
            @if let Some(next) = next { nav.pages { a rel="next" href=(address(chosen, Some(next))) { "Further" } } }
        }
    }
}

fn result(result: ItemResult) -> Markup {
    match result {
        ItemResult::Waiting => html! { span.faint { "○ waiting" } },
        ItemResult::Acted => html! { "▶ acted on" },
        ItemResult::Mended => html! { span.good { "✓ mended" } },
        ItemResult::StuckAgain => html! { span.bad { "■ stuck again" } },
        ItemResult::Refused => html! { span.doubt { "▲ refused" } },
        ItemResult::Failed => html! { span.bad { "✗ failed" } },
    }
}

/// What is wanted of a batch.
#[derive(Deserialize)]
pub struct Wish {
    wish: String,
    #[serde(default)]
    reason: String,
}

/// Consents, pauses, resumes or cancels.
pub async fn steer(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<BatchId>,
    Form(sent): Form<Wish>,
) -> Result<Response, Problem> {
    let operator = console.service.operator();
    let by = By { actor: visitor.subject.clone(), reason: sent.reason };
    let steered = match sent.wish.as_str() {
        "consent" => operator.consent_batch(id, by).await,
        "pause" => operator.pause_batch(id, by).await,
        "resume" => operator.resume_batch(id, by).await,
        _ => operator.cancel_batch(id, by).await,
    };
    let address = format!("/console/batches/{id}");
    match steered {
        Ok(_) => Ok(Redirect::to(&address).into_response()),
        Err(error) => refused::answer(&visitor, error, &address),
    }
}

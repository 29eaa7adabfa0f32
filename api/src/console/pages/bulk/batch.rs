//! One batch: its progress, the result of each of its sagas, and what can be done about it.

use super::super::{
    super::{
        page::{Page, Section, proof},
        queries::{ItemQuery, query as query_of},
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
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use operator::{Batch, BatchId, BatchItem, BatchState, ItemResult};
use serde::Deserialize;
use service::operators::{BatchMove, action_row, by};

/// Items of one page.
const ROWS: i64 = 100;

/// The batch's page.
///
/// # Errors
/// There is no batch with this id.
pub async fn page(
    console: &Console,
    visitor: &Visitor,
    id: BatchId,
    query: &ItemQuery,
) -> Result<Page, Problem> {
    let operator = console.service.operator();
    let batch = operator.batch(id).await?;
    let items = match &query.invalid {
        Some(_) => Vec::new(),
        None => operator.batch_items(id, query.result, query.after, ROWS).await?,
    };
    let now = Utc::now();
    Ok(Page::new(format!("Batch {id}"), Section::Batches)
        .live("batch", summary(&batch, now))
        .still(steering(&batch, visitor))
        .live("items", table(&batch, &items, query, now)))
}

fn summary(batch: &Batch, now: DateTime<Utc>) -> Markup {
    let done = batch.items - batch.results.waiting - batch.results.acted;
    let label = action_row(batch.action.kind()).label;
    html! {
        section {
            nav.crumbs aria-label="Where" { a href="/console/batches" { "Batches" } }
            h1 { (label) ", " (words::things(batch.items.into(), "saga")) }
            p.line { (state(batch.state)) @if let Some(why) = &batch.why { ": " (why) } }
            progress max=(batch.items.max(1)) value=(done) aria-label="Settled" { (done) " of " (batch.items) }
            p { strong { (words::thousands(done.into())) } " of " (words::thousands(batch.items.into())) " settled, round " (batch.round) @if batch.capped { "; more sagas matched than one batch takes" } }
            dl.facts {
                dt { "by" } dd { strong { (batch.actor) } " " (words::ago(batch.created_at, now)) ": “" (batch.reason) "”" }
                @if let Some(by) = &batch.consented_by { dt { "agreed" } dd { strong { (by) } } }
                @if let (BatchState::AwaitingConsent, Some(until)) = (batch.state, batch.consent_until) { dt { "waits for a second person" } dd { "until " (words::moment(until, now)) } }
                dt { "which" } dd { code { (serde_json::to_string(&batch.filter).unwrap_or_default()) } }
                @if !batch.stakes.is_empty() { dt { "at stake" } dd { (words::stakes(&batch.stakes)) } }
                dt { "how" } dd { (batch.canary) " first; it stops if more than " (format!("{:.0}", batch.stop_at_error_rate * 100.0)) " % of a round end badly" }
                dt { "last change" } dd { (words::ago(batch.updated_at, now)) @if let Some(node) = &batch.node { " by " (node) } }
                dt { "id" } dd { (words::id(batch.id)) }
            }
        }
    }
}

/// A batch's state: a mark and words.
pub fn state(state: BatchState) -> Markup {
    match state {
        BatchState::AwaitingConsent => html! { span.doubt { "▲ waits for a second person" } },
        BatchState::Canary => html! { "▶ canary: the first few sagas" },
        BatchState::Ramping => html! { "▶ ramping: rounds that grow" },
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
                    summary { "Steer the batch" }
                    form.column method="post" action={ "/console/batches/" (batch.id) } {
                        (proof(visitor))
                        (reason(""))
                        div.actions {
                            @if batch.state == BatchState::AwaitingConsent && !own { button.main name="wish" value=(BatchMove::Consent.word()) { "Agree, and begin" } }
                            @for (other, label) in [(BatchMove::Pause, "Pause"), (BatchMove::Resume, "Resume"), (BatchMove::Cancel, "Cancel")] {
                                button name="wish" value=(other.word()) { (label) }
                            }
                        }
                        p.hint { "If the batch's state does not allow an action, nothing happens and the page says why. What was done stays done." }
                    }
                }
            }
        }
    }
}

fn table(batch: &Batch, items: &[BatchItem], query: &ItemQuery, now: DateTime<Utc>) -> Markup {
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
        format!("/console/batches/{}{}", batch.id, query_of(&fields))
    };
    let next = items.last().filter(|_| items.len() as i64 == ROWS).map(|last| last.number);
    html! {
        section {
            h2 { "Results" }
            @if let Some(invalid) = &query.invalid { (refused::invalid(invalid)) p { "Nothing is listed, because the filter is not valid." } }
            ul.filters { @for (result, count) in counts {
                li { a href=(address(result, None)) aria-current=[(result == query.result).then_some("true")] {
                    (result.map_or("all".to_owned(), |result| words::name(result.as_str()))) " " strong { (words::thousands(count.into())) }
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
            @if let Some(next) = next { nav.pages { a rel="next" href=(address(query.result, Some(next))) { "Further" } } }
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

/// The form that steers a batch.
#[derive(Deserialize)]
pub struct SteeringForm {
    wish: String,
    #[serde(default)]
    reason: String,
}

/// Consents, pauses, resumes or cancels.
pub async fn steer(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<BatchId>,
    Form(sent): Form<SteeringForm>,
) -> Result<Response, Problem> {
    let operator = console.service.operator();
    let address = format!("/console/batches/{id}");
    let asked = BatchMove::of(&sent.wish);
    let (asked, by) = match asked.and_then(|asked| Ok((asked, by(&visitor.subject, &sent.reason)?))) {
        Ok(asked) => asked,
        Err(invalid) => return Ok(refused::answer_invalid(&visitor, &invalid, &address)),
    };
    match asked.make(&operator, id, by).await {
        Ok(_) => Ok(Redirect::to(&address).into_response()),
        Err(error) => refused::answer(&visitor, error, &address),
    }
}

//! All batches.

use super::{
    super::super::{
        page::{Page, Section},
        queries::query,
        words,
    },
    batch::state,
};
use crate::{console::Console, http::Problem};
use chrono::Utc;
use maud::html;
use operator::BatchId;
use service::operators::action_row;

/// Batches of one page.
const ROWS: i64 = 50;

/// The list's page.
///
/// # Errors
/// The database failed.
pub async fn page(console: &Console, after: Option<BatchId>) -> Result<Page, Problem> {
    let rows = console.service.operator().batches(after, ROWS).await?;
    let now = Utc::now();
    let next = rows
        .last()
        .filter(|_| rows.len() as i64 == ROWS)
        .map(|last| query(&[("after", Some(last.id.to_string()))]));
    let heading = html! {
        section {
            h1 { "Batches" }
            p.faint { "One action on many sagas, begun from a " a href="/console/sagas" { "work-list" } "." }
        }
    };
    Ok(Page::new("Batches", Section::Batches).still(heading).live("batches", html! {
        div.wide { table {
            thead { tr { th { "made" } th { "state" } th { "action" } th.number { "sagas" } th.number { "mended" } th.number { "bad ends" } th { "by" } th { "reason" } } }
            tbody { @for batch in &rows {
                @let results = batch.results;
                tr id={ "b" (batch.id) } data-row tabindex="-1" {
                    td.nowrap { (words::moment(batch.created_at, now)) }
                    td.nowrap { (state(batch.state)) }
                    td { a href={ "/console/batches/" (batch.id) } { (action_row(batch.action.kind()).label) } }
                    td.number { (words::thousands(batch.items.into())) }
                    td.number { (words::thousands(results.mended.into())) }
                    td.number { (words::thousands((results.stuck_again + results.failed).into())) }
                    td { strong { (batch.actor) } }
                    td { (batch.reason) }
                }
            } }
        } }
        @if rows.is_empty() { p.faint { "There has been no batch yet." } }
        @if let Some(next) = next { nav.pages { a rel="next" href={ "/console/batches" (next) } { "Older" } } }
    }))
}

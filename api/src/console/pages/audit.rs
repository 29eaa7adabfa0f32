//! What was done besides the sagas' own course: by whom, when, why.

use super::super::{
    address::{AuditWanted, query},
    page::{Page, Section},
    words,
};
use crate::console::Console;
use crate::http::Problem;
use chrono::Utc;
use maud::{Markup, html};
use orchestrator::audit::{self, Audited};

/// Rows of one page.
const ROWS: i64 = 100;

/// The page.
///
/// # Errors
/// The database's.
pub async fn page(console: &Console, wanted: &AuditWanted) -> Result<Page, Problem> {
    let which =
        audit::Which { saga: wanted.saga, actor: wanted.actor.as_deref(), action: wanted.action.as_deref() };
    let rows = audit::list(&mut *console.service.connection().await?, &which, wanted.after, ROWS).await?;
    let title = wanted.saga.map_or("Audit".to_owned(), |saga| format!("Audit of {saga}"));
    Ok(Page::new(title, Section::Audit).still(heading(wanted)).live("audit", table(&rows, wanted)))
}

fn heading(wanted: &AuditWanted) -> Markup {
    html! {
        section {
            h1 { "Audit" }
            p.faint { "Latest first. Each row is chained to the one before it in its bucket; " code { "usher audit verify" } " holds them to it." }
            form.line action="/console/audit" {
                div { label for="saga" { "saga" } input #saga name="saga" size="38" value=[wanted.saga.map(|saga| saga.to_string())]; }
                div { label for="actor" { "by" } input #actor name="actor" value=[wanted.actor.as_deref()]; }
                div { label for="action" { "action" } input #action name="action" value=[wanted.action.as_deref()]; }
                button { "Filter" }
                a href="/console/audit" { "all" }
            }
        }
    }
}

fn table(rows: &[Audited], wanted: &AuditWanted) -> Markup {
    let now = Utc::now();
    let next = rows.last().filter(|_| rows.len() as i64 == ROWS).map(|last| {
        query(&[
            ("saga", wanted.saga.map(|saga| saga.to_string())),
            ("actor", wanted.actor.clone()),
            ("action", wanted.action.clone()),
            ("after", Some(last.id.to_string())),
        ])
    });
    html! {
        div.wide {
            table {
                thead { tr { th { "when" } th { "by" } th { "action" } th { "reason" } th { "saga" } th { "what came of it" } th.number { "chain" } } }
                tbody { @for row in rows { (self::row(row, now)) } }
            }
        }
        @if rows.is_empty() { p.faint { "Nothing was done." } }
        @if let Some(next) = next { nav.pages { a rel="next" href={ "/console/audit" (next) } { "Older" } } }
    }
}

fn row(row: &Audited, now: chrono::DateTime<Utc>) -> Markup {
    html! {
        tr id={ "a" (row.id) } data-row tabindex="-1" {
            td.nowrap { (words::moment(row.at, now)) }
            td { strong { (row.actor) } }
            td.nowrap { (row.action.replace('_', " ")) }
            td { (row.reason) }
            td { a href={ "/console/sagas/" (row.saga) } { code { (row.saga) } } }
            td { (super::value::folded("detail", &row.detail.to_string())) }
            td.number.faint { @match row.seq { Some(seq) => { (row.saga.bucket().number()) " / " (seq) }, None => "unchained" } }
        }
    }
}

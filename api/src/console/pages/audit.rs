//! The audit: what was done to sagas besides their own course, by whom, when and why.

use super::super::{
    page::{Page, Section},
    queries::{AuditQuery, query},
    words,
};
use crate::console::Console;
use crate::http::Problem;
use chrono::Utc;
use maud::{Markup, html};
use operator::audit::{self, Audited};

/// Rows of one page.
const ROWS: i64 = 100;

/// The audit's page.
///
/// # Errors
/// The database failed.
pub async fn page(console: &Console, asked: &AuditQuery) -> Result<Page, Problem> {
    let which =
        audit::Which { saga: asked.saga, actor: asked.actor.as_deref(), action: asked.action.as_deref() };
    let rows = match &asked.invalid {
        Some(_) => Vec::new(),
        None => audit::list(&mut *console.service.connection().await?, &which, asked.after, ROWS).await?,
    };
    let title = asked.saga.map_or("Audit".to_owned(), |saga| format!("Audit of {saga}"));
    Ok(Page::new(title, Section::Audit).still(heading(asked)).live("audit", table(&rows, asked)))
}

fn heading(asked: &AuditQuery) -> Markup {
    html! {
        section {
            h1 { "Audit" }
            p.faint { "Latest first. Each row is chained to the row before it in its bucket; " code { "usher audit verify" } " checks the chains." }
            @if let Some(invalid) = &asked.invalid { (super::refused::invalid(invalid)) p { "Nothing is listed, because the filter is not valid." } }
            form.line action="/console/audit" {
                div { label for="saga" { "saga" } input #saga name="saga" size="38" value=[asked.saga.map(|saga| saga.to_string())]; }
                div { label for="actor" { "by" } input #actor name="actor" value=[asked.actor.as_deref()]; }
                div { label for="action" { "action" } input #action name="action" value=[asked.action.as_deref()]; }
                button { "Filter" }
                a href="/console/audit" { "all" }
            }
        }
    }
}

fn table(rows: &[Audited], asked: &AuditQuery) -> Markup {
    let now = Utc::now();
    let next = rows.last().filter(|_| rows.len() as i64 == ROWS).map(|last| {
        query(&[
            ("saga", asked.saga.map(|saga| saga.to_string())),
            ("actor", asked.actor.clone()),
            ("action", asked.action.clone()),
            ("after", Some(last.id.to_string())),
        ])
    });
    html! {
        div.wide {
            table {
                thead { tr { th { "when" } th { "by" } th { "action" } th { "reason" } th { "saga" } th { "result" } th.number { "chain" } } }
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
            td.nowrap { (words::name(&row.action)) }
            td { (row.reason) }
            td { a href={ "/console/sagas/" (row.saga) } { code { (row.saga) } } }
            td { (super::value::folded("detail", &row.detail.to_string())) }
            td.number.faint { @match row.seq { Some(seq) => { (row.saga.bucket().number()) " / " (seq) }, None => "unchained" } }
        }
    }
}

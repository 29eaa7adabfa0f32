//! One saga: why it is where it is, what can be done, what happened, and the service's rows about it.

mod entries;
mod outside;
mod paths;
mod scale;
mod standing;
mod timeline;

pub use entries::summary;

use super::super::{
    page::{Page, Section},
    session::Visitor,
    words,
};
use crate::console::Console;
use crate::http::Problem;
use maud::{Markup, html};
use operator::{JournalEntry, Seen};
use orchestrator::SagaId;
use service::operators::{self, Related, action_named, action_row};
use timeline::Stamp;

/// Everything that the page shows.
struct PageData {
    seen: Seen,
    stamps: Vec<Stamp>,
    related: Related,
    trace_url: Option<String>,
}

/// The saga's page.
///
/// # Errors
/// There is no such saga, or the database failed.
pub async fn page(
    console: &Console,
    visitor: &Visitor,
    saga: SagaId,
    did: Option<&str>,
) -> Result<Page, Problem> {
    let data = load(console, saga).await?;
    let PageData { seen, .. } = &data;
    let (rows, turned) = timeline::rows(seen.history.entries(), &data.stamps, &seen.attempts);
    let context = paths::Context {
        now: seen.now,
        at_rest: seen.status.state.at_rest(),
        turned,
        next_undo: seen.history.next_undo().map(|ask| ask.first),
        call_out: seen.status.leased,
        waits: seen.status.due_at.is_some(),
    };
    let paths = html! { section { h2 { "What it did and undid" } (paths::draw(&rows, &context)) } };
    Ok(Page::new(format!("Saga {saga}"), Section::WorkList)
        .still(html! { @if let Some(row) = did.and_then(|did| action_named(did).ok()) {
            div.notice.done role="status" { p { strong { (row.label) } ": done." } }
        } })
        .live("why", why(&data))
        .live("actions", actions(visitor, seen))
        .live("paths", paths)
        .live(
            "rows",
            html! { div.twin { (standing::draw(data.related.rows.as_ref(), seen.now)) (facts(&data)) } },
        )
        .live("outside", outside::draw(&data))
        .live("journal", journal(&data)))
}

fn journal(data: &PageData) -> Markup {
    let seen = &data.seen;
    match &seen.unreadable {
        None => entries::draw(seen.history.entries(), &data.stamps, seen.now),
        Some(_) => entries::draw_unread(&seen.entries, seen.now),
    }
}

async fn load(console: &Console, saga: SagaId) -> Result<PageData, Problem> {
    let seen = console.service.operator().see(saga).await?;
    let related = operators::read_related(&console.service.pool, saga).await?;
    let stamp =
        |entry: &JournalEntry| Stamp { at: entry.written_at, node: entry.node.clone(), epoch: entry.epoch };
    let stamps = seen.entries.iter().map(stamp).collect();
    Ok(PageData { trace_url: trace_url(console, seen.status.trace.as_deref()), stamps, related, seen })
}

/// The address that shows the trace, if one is configured. The trace's id is the second field of a W3C traceparent.
fn trace_url(console: &Console, trace: Option<&str>) -> Option<String> {
    let template = console.service.config.http.trace_url.as_ref()?;
    let id = trace_id(trace?)?;
    Some(template.replace("{trace_id}", id))
}

fn trace_id(traceparent: &str) -> Option<&str> {
    let id = traceparent.split('-').nth(1)?;
    id.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(id)
}

fn why(data: &PageData) -> Markup {
    let Seen { status, why, summary, now, unreadable, .. } = &data.seen;
    html! {
        section {
            nav.crumbs aria-label="Where" { a href="/console/sagas" { "Sagas" } }
            h1 { (status.workflow) " " span.faint { "v" (status.version) } " " (words::id(status.id)) }
            p.line {
                (words::state(status.state))
                @if status.paused { " " span.tag.doubt { "paused" } }
                @if !status.state.at_rest() { " · " (why.line(*now)) }
            }
            @if let Some(unreadable) = unreadable {
                div.notice.bad-news { p { strong { "This node can't read its journal: " } (unreadable) } }
            }
            p.faint {
                @if !summary.stakes.is_empty() { "At stake: " strong { (words::stakes(&summary.stakes)) } " · " }
                "begun " (words::ago(status.created_at, *now)) " · written " (words::ago(status.updated_at, *now))
                @if let Some(stuck) = status.first_stuck_at { " · stuck since " (words::ago(stuck, *now)) }
            }
        }
    }
}

fn actions(visitor: &Visitor, seen: &Seen) -> Markup {
    let saga = seen.status.id;
    let (open, closed): (Vec<_>, Vec<_>) = seen.allowed.iter().partition(|allowed| allowed.refused.is_none());
    let label = |kind| action_row(kind).label;
    html! {
        section aria-label="Actions" {
            @if visitor.may_act() && !open.is_empty() {
                ul.allowed { @for allowed in &open {
                    li { a.button href={ "/console/sagas/" (saga) "/actions/" (allowed.action.name()) } { (label(allowed.action)) } }
                } }
            } @else if !open.is_empty() {
                p { "An operator could do: " (open.iter().map(|allowed| label(allowed.action).to_lowercase()).collect::<Vec<_>>().join(", ")) "." }
            }
            @if !closed.is_empty() {
                details {
                    summary { @if open.is_empty() { "Why nothing can be done" } @else { "Actions that are not possible now, and why" } }
                    dl.facts { @for allowed in &closed {
                        dt { (label(allowed.action)) } dd { (allowed.refused.as_deref().unwrap_or_default()) }
                    } }
                }
            }
        }
    }
}

fn facts(data: &PageData) -> Markup {
    let Seen { status, summary, etag, now, .. } = &data.seen;
    let fact = |name: &str, value: Option<Markup>| html! { @if let Some(value) = value { dt { (name) } dd { (value) } } };
    let moment = |at: Option<chrono::DateTime<chrono::Utc>>| {
        at.map(|at| html! { (words::moment(at, *now)) " " span.faint { (words::ago(at, *now)) } })
    };
    html! {
        section {
            h2 { "Details" }
            dl.facts {
                (fact("next look", moment(status.due_at)))
                (fact("next attempt", moment(status.retry_at)))
                (fact("attempts", (status.attempts > 0).then(|| html! { (status.attempts) })))
                (fact("last error", status.last_error.as_ref().map(|error| html! { (error) })))
                (fact("node", status.node.as_ref().map(|node| html! { (node) @if status.leased { ", with a call out" } })))
                (fact("epoch", Some(html! { (status.epoch) })))
                (fact("version", Some(html! { code { (etag) } })))
                (fact("cause", status.cause.as_ref().map(|cause| html! { (words::plain(cause)) })))
                (fact("trace", status.trace.as_ref().map(|trace| html! {
                    @match (&data.trace_url, trace_id(trace)) {
                        (Some(url), Some(id)) => a href=(url) rel="noreferrer" { (id) },
                        (None, Some(id)) => (words::id(id)),
                        (_, None) => (trace),
                    }
                })))
                @for (key, value) in &summary.labels {
                    dt { (key) } dd { a href={ "/console/sagas" (super::super::queries::query(&[("q", Some(value.clone()))])) } { (value) } }
                }
                dt { "elsewhere" }
                dd {
                    a href={ "/console/audit?saga=" (status.id) } { "audit" } " · "
                    a href={ "/console/sagas/" (status.id) "/raw" } { "raw JSON" } " · "
                    code { "usher saga why " (status.id) }
                }
            }
        }
    }
}

//! Sagas that need somebody: groups with one cause each, and below them the sagas, each with why it is where it is.

use super::super::{
    page::{Page, Section},
    queries::{SagaQuery, query},
    session::Visitor,
    words,
};
use crate::console::Console;
use crate::http::Problem;
use chrono::Utc;
use maud::{Markup, html};
use operator::{Group, Listed, Trouble};
use orchestrator::SagaId;
use service::operators::{FilterWords, action_row, narrow, words::STATES};

/// Sagas of one page.
const ROWS: i64 = 50;
/// Counts stop here: a larger number would not tell more.
const COUNTED_TO: i64 = 1_000;

/// The rows that the page shows.
struct Found {
    groups: Vec<Group>,
    rows: Vec<Listed>,
    count: i64,
}

/// The work-list's page.
///
/// # Errors
/// The database failed.
pub async fn page(console: &Console, visitor: &Visitor, asked: &SagaQuery) -> Result<Page, Problem> {
    let found = find(console, asked).await?;
    let title = match (&asked.words.q, asked.filter.trouble) {
        (Some(q), _) => format!("Search: {q}"),
        (None, Some(trouble)) => name(Some(trouble)).to_owned(),
        (None, None) => "Sagas".to_owned(),
    };
    Ok(Page::new(title.clone(), Section::WorkList)
        .still(heading(&title, asked))
        .live("groups", groups(&found, visitor, asked))
        .live("sagas", table(&found, visitor, asked)))
}

async fn find(console: &Console, asked: &SagaQuery) -> Result<Found, Problem> {
    let nothing = Found { groups: Vec::new(), rows: Vec::new(), count: 0 };
    if asked.invalid.is_some() {
        return Ok(nothing);
    }
    let operator = console.service.operator();
    let filter = narrow(&operator, asked.filter.clone(), asked.words.q.as_deref()).await?;
    let Some(filter) = filter else { return Ok(nothing) };
    // With one cause chosen, no list of causes is needed.
    let groups = if filter.cause.is_some() { Vec::new() } else { operator.groups(&filter).await? };
    let rows = operator.list(&filter, asked.after, ROWS).await?;
    let count = operator.count(&filter, COUNTED_TO).await?;
    Ok(Found { groups, rows, count })
}

fn heading(title: &str, asked: &SagaQuery) -> Markup {
    let lists = std::iter::once(None).chain(Trouble::ALL.into_iter().map(Some));
    let filter = &asked.filter;
    html! {
        section {
            h1 { (title) }
            @if let Some(invalid) = &asked.invalid {
                (super::refused::invalid(invalid))
                p { "Nothing is listed, because the filter is not valid." }
            }
            nav aria-label="Work-lists" {
                ul.filters { @for list in lists {
                    li { a href=(asked.on(list).path()) aria-current=[(list == filter.trouble).then_some("true")] { (name(list)) } }
                } }
            }
            details open[filter.workflow.is_some() || filter.step.is_some() || filter.status.is_some() || filter.older_than_s.is_some()] {
                summary { "Filter" }
                form.line action="/console/sagas" {
                    @if let Some(q) = &asked.words.q { input type="hidden" name="q" value=(q); }
                    @if let Some(trouble) = filter.trouble { input type="hidden" name="trouble" value=(trouble); }
                    @if let Some(cause) = &filter.cause { input type="hidden" name="cause" value=(cause); }
                    div { label for="status" { "state" }
                        select #status name="status" {
                            option value="" { "any" }
                            @for state in STATES { option value=(state) selected[filter.status == Some(state)] { (state) } }
                        }
                    }
                    div { label for="workflow" { "workflow" } input #workflow name="workflow" value=[filter.workflow.as_deref()]; }
                    div { label for="step" { "step" } input #step name="step" value=[filter.step.as_deref()]; }
                    div { label for="older_than" { "no change for" } input #older_than name="older_than" placeholder="15m" size="6" value=[asked.words.older_than.as_deref()]; }
                    button { "Filter" }
                    a href=(asked.path_of_list_alone()) { "no filter" }
                }
            }
        }
    }
}

fn groups(found: &Found, visitor: &Visitor, asked: &SagaQuery) -> Markup {
    let now = Utc::now();
    html! {
        @if !found.groups.is_empty() {
            section {
                h2 { "By cause" }
                ul.groups { @for group in &found.groups { (self::group(group, visitor, asked, now)) } }
            }
        }
    }
}

fn group(group: &Group, visitor: &Visitor, asked: &SagaQuery, now: chrono::DateTime<Utc>) -> Markup {
    let inside =
        SagaQuery::of_words(FilterWords { cause: Some(group.fingerprint.clone()), ..asked.words.clone() });
    let label = action_row(group.suggested).label;
    html! {
        li id={ "g" (group.fingerprint) } data-row tabindex="-1" {
            div.count { (words::thousands(group.count)) @if group.capped { "+" } }
            div {
                a.cause href=(inside.path()) { (words::plain(&group.cause)) }
                div.faint {
                    (group.workflow) @if let Some(step) = &group.step { " · " (step) }
                    " · since " (words::moment(group.first_seen, now)) ", last " (words::ago(group.last_seen, now))
                }
                @if !group.stakes.is_empty() { div { "At stake: " strong { (words::stakes(&group.stakes)) } } }
            }
            div {
                div { strong { (label) } ": " (group.suggestion) }
                @if visitor.may_act() && asked.words.q.is_none() {
                    a href={ "/console/bulk" (inside.query_with(&[("action", Some(group.suggested.name().to_owned()))])) } { "Do it to all of them" }
                }
            }
        }
    }
}

fn table(found: &Found, visitor: &Visitor, asked: &SagaQuery) -> Markup {
    let now = Utc::now();
    let next = found.rows.last().filter(|_| found.rows.len() as i64 == ROWS);
    html! {
        section {
            h2 {
                (words::count(found.count, COUNTED_TO)) @if found.count == 1 { " saga" } @else { " sagas" }
                @if let Some(cause) = found.rows.first().and_then(|row| row.cause.as_ref()).filter(|_| asked.filter.cause.is_some()) { ": " (words::plain(cause)) }
            }
            @if visitor.may_act() && found.count > 1 && asked.words.q.is_none() && asked.invalid.is_none() {
                p { a href={ "/console/bulk" (asked.query_with(&[])) } { "Act on all of them" } }
            }
            @if found.rows.is_empty() {
                p.faint { @if asked.words.q.is_some() { "No saga is known by this word." } @else { "There is no such saga." } }
            } @else {
                div.wide { table {
                    thead { tr { th { "saga" } th { "workflow" } th { "state" } th { "why it is there" } th { "at stake" } th { "written" } } }
                    tbody { @for row in &found.rows { (self::row(row, now)) } }
                } }
            }
            @if asked.after.is_some() || next.is_some() {
                nav.pages {
                    @if asked.after.is_some() { a href=(asked.path()) { "Newest" } }
                    @if let Some(last) = next { a rel="next" href={ "/console/sagas" (asked.query_with(&[("after", Some(last.id.to_string()))])) } { "Older" } }
                }
            }
        }
    }
}

fn row(row: &Listed, now: chrono::DateTime<Utc>) -> Markup {
    html! {
        tr id={ "s" (row.id) } data-row tabindex="-1" {
            td { a href={ "/console/sagas/" (row.id) } { code { (short(row.id)) } } }
            td.nowrap { (row.workflow) " " span.faint { "v" (row.version) } @if let Some(step) = &row.step { " · " (step) } }
            td { (words::state(row.state)) @if row.paused { " " span.tag.doubt { "paused" } }
                @if row.trouble == Some(Trouble::InDoubt) { " " span.tag.doubt { "▨ in doubt" } }
                @if row.trouble == Some(Trouble::Owed) { " " span.tag.bad { "owed" } } }
            td { (row.line) }
            td.nowrap { (words::stakes(&row.stakes)) }
            td.nowrap.faint { (words::ago(row.updated_at, now)) }
        }
    }
}

/// The end of an id, which tells it from other ids of the same moment.
fn short(id: SagaId) -> String {
    let whole = id.to_string();
    format!("{}…{}", &whole[..8], &whole[whole.len() - 6..])
}

/// The name of a work-list.
fn name(list: Option<Trouble>) -> &'static str {
    match list {
        None => "All",
        Some(Trouble::Stuck) => "Stuck",
        Some(Trouble::InDoubt) => "In doubt",
        Some(Trouble::Owed) => "Owed",
        Some(Trouble::Retrying) => "Retrying",
        Some(Trouble::Overdue) => "Overdue",
        Some(Trouble::Silent) => "Silent",
        Some(Trouble::Paused) => "Paused",
    }
}

impl SagaQuery {
    /// The query with further fields, or with other values.
    fn query_with(&self, more: &[(&'static str, Option<String>)]) -> String {
        let mut fields = self.words.fields().to_vec();
        fields.extend_from_slice(more);
        query(&fields)
    }

    fn path_of_list_alone(&self) -> String {
        let FilterWords { trouble, q, .. } = self.words.clone();
        Self::of_words(FilterWords { trouble, q, ..FilterWords::default() }).path()
    }
}

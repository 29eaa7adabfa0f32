//! Sagas that need somebody, grouped by what they have in common; below them, one by one, with why each is where it is.

use super::super::{
    address::{Wanted, query},
    page::{Page, Section},
    session::Visitor,
    words,
};
use crate::console::Console;
use crate::http::Problem;
use chrono::Utc;
use maud::{Markup, html};
use orchestrator::{
    SagaId, State,
    operator::{Filter, Group, Listed, Trouble},
};

/// Sagas of one page.
const ROWS: i64 = 50;
/// A count that is not worth counting further.
const COUNTED_TO: i64 = 1_000;

/// What the page shows.
struct Found {
    groups: Vec<Group>,
    rows: Vec<Listed>,
    count: i64,
}

/// The page.
///
/// # Errors
/// The database's.
pub async fn page(console: &Console, visitor: &Visitor, wanted: &Wanted) -> Result<Page, Problem> {
    let found = find(console, wanted).await?;
    let title = match (&wanted.q, wanted.filter.trouble) {
        (Some(q), _) => format!("Search: {q}"),
        (None, Some(trouble)) => name(Some(trouble)).to_owned(),
        (None, None) => "Sagas".to_owned(),
    };
    Ok(Page::new(title.clone(), Section::WorkList)
        .still(heading(&title, wanted))
        .live("groups", groups(&found, visitor, wanted))
        .live("sagas", table(&found, visitor, wanted)))
}

async fn find(console: &Console, wanted: &Wanted) -> Result<Found, Problem> {
    let nothing = Found { groups: Vec::new(), rows: Vec::new(), count: 0 };
    if wanted.wrong.is_some() {
        return Ok(nothing);
    }
    let operator = console.service.operator();
    let mut filter = wanted.filter.clone();
    if let Some(q) = &wanted.q {
        filter.ids = operator.search(q).await?;
        if filter.ids.is_empty() {
            return Ok(nothing);
        }
    }
    // Whoever looks at one cause needs no list of causes.
    let groups = if filter.cause.is_some() { Vec::new() } else { operator.groups(&filter).await? };
    let rows = operator.list(&filter, wanted.after, ROWS).await?;
    let count = operator.count(&filter, COUNTED_TO).await?;
    Ok(Found { groups, rows, count })
}

fn heading(title: &str, wanted: &Wanted) -> Markup {
    let lists = std::iter::once(None).chain(Trouble::ALL.into_iter().map(Some));
    let filter = &wanted.filter;
    let states =
        [State::Running, State::Waiting, State::Unwinding, State::Completed, State::Unwound, State::Stuck];
    html! {
        section {
            h1 { (title) }
            @if let Some(wrong) = &wanted.wrong {
                p.wrong role="alert" { (wrong) " says nothing that we know, so nothing is listed." }
            }
            nav aria-label="Work-lists" {
                ul.filters { @for list in lists {
                    li { a href=(wanted.on(list).path()) aria-current=[(list == filter.trouble).then_some("true")] { (name(list)) } }
                } }
            }
            details open[filter.workflow.is_some() || filter.step.is_some() || filter.status.is_some() || filter.older_than_s.is_some()] {
                summary { "Filter" }
                form.line action="/console/sagas" {
                    @if let Some(q) = &wanted.q { input type="hidden" name="q" value=(q); }
                    @if let Some(trouble) = filter.trouble { input type="hidden" name="trouble" value=(trouble); }
                    @if let Some(cause) = &filter.cause { input type="hidden" name="cause" value=(cause); }
                    div { label for="status" { "state" }
                        select #status name="status" {
                            option value="" { "any" }
                            @for state in states { option value=(state) selected[filter.status == Some(state)] { (state) } }
                        }
                    }
                    div { label for="workflow" { "workflow" } input #workflow name="workflow" value=[filter.workflow.as_deref()]; }
                    div { label for="step" { "step" } input #step name="step" value=[filter.step.as_deref()]; }
                    div { label for="older_than_s" { "not written for, seconds" } input #older_than_s type="number" min="0" name="older_than_s" value=[filter.older_than_s]; }
                    button { "Filter" }
                    a href=(wanted.path_of_list_alone()) { "without" }
                }
            }
        }
    }
}

fn groups(found: &Found, visitor: &Visitor, wanted: &Wanted) -> Markup {
    let now = Utc::now();
    html! {
        @if !found.groups.is_empty() {
            section {
                h2 { "By cause" }
                ul.groups { @for group in &found.groups { (self::group(group, visitor, wanted, now)) } }
            }
        }
    }
}

fn group(group: &Group, visitor: &Visitor, wanted: &Wanted, now: chrono::DateTime<Utc>) -> Markup {
    let filter = Filter { cause: Some(group.fingerprint.clone()), ..wanted.filter.clone() };
    let inside = Wanted { filter, after: None, ..wanted.clone() };
    let suggested = group.suggested.name();
    let label = super::action::known(suggested).map_or(suggested, |known| known.label);
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
                @if visitor.may_act() && wanted.q.is_none() {
                    a href={ "/console/bulk" (inside.query_with(&[("action", Some(suggested.to_owned()))])) } { "Do it to all" }
                }
            }
        }
    }
}

fn table(found: &Found, visitor: &Visitor, wanted: &Wanted) -> Markup {
    let now = Utc::now();
    let next = found.rows.last().filter(|_| found.rows.len() as i64 == ROWS);
    html! {
        section {
            h2 {
                (words::count(found.count, COUNTED_TO)) @if found.count == 1 { " saga" } @else { " sagas" }
                @if let Some(cause) = found.rows.first().and_then(|row| row.cause.as_ref()).filter(|_| wanted.filter.cause.is_some()) { ": " (words::plain(cause)) }
            }
            @if visitor.may_act() && found.count > 1 && wanted.q.is_none() && wanted.wrong.is_none() {
                p { a href={ "/console/bulk" (wanted.query_with(&[])) } { "Act on all of them" } }
            }
            @if found.rows.is_empty() {
                p.faint { @if wanted.q.is_some() { "Nothing is known by this word." } @else { "There is none. That is good." } }
            } @else {
                div.wide { table {
                    thead { tr { th { "saga" } th { "workflow" } th { "state" } th { "why it is there" } th { "at stake" } th { "written" } } }
                    tbody { @for row in &found.rows { (self::row(row, now)) } }
                } }
            }
            @if wanted.after.is_some() || next.is_some() {
                nav.pages {
                    @if wanted.after.is_some() { a href=(wanted.path()) { "Newest" } }
                    @if let Some(last) = next { a rel="next" href={ "/console/sagas" (wanted.query_with(&[("after", Some(last.id.to_string()))])) } { "Older" } }
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

/// The end of an id tells it from others of the same moment.
fn short(id: SagaId) -> String {
    let whole = id.to_string();
    format!("{}…{}", &whole[..8], &whole[whole.len() - 6..])
}

/// What a work-list is called.
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

impl Wanted {
    /// The query with more fields, or others.
    fn query_with(&self, more: &[(&'static str, Option<String>)]) -> String {
        let mut fields = self.fields();
        fields.extend_from_slice(more);
        query(&fields)
    }

    fn path_of_list_alone(&self) -> String {
        let filter = Filter { trouble: self.filter.trouble, ..Filter::default() };
        Self { filter, q: self.q.clone(), ..Self::default() }.path()
    }
}

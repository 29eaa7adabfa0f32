//! The first page: four numbers that must be zero, each with a link to the sagas that it counts, and the health of the nodes.

use super::{
    super::{
        page::{Page, Section},
        words,
    },
    plot::Plot,
};
use crate::console::Console;
use crate::http::Problem;
use chrono::{DateTime, TimeDelta, Utc};
use maud::{Markup, html};
use service::numbers::{self, COUNTED_TO, Minute, Numbers};

/// The hours that the plots show.
const HOURS: i64 = 3;
/// An answer of the database is slow from here on: the query is a round trip and nothing else.
const SLOW_MS: f64 = 100.0;
/// A due saga was not taken at once from here on: lanes look every half second.
const LATE_S: f64 = 5.0;

/// The first page.
///
/// # Errors
/// The database failed.
pub async fn page(console: &Console) -> Result<Page, Problem> {
    let numbers = numbers::now(&console.service).await?;
    let minutes = numbers::history(&console.service, HOURS).await?;
    Ok(Page::new("Home", Section::Home)
        .still(html! { h1.unseen { "Usher, now" } })
        .live("four", four(&numbers))
        .live("plots", plots(&numbers, &minutes))
        .live("going", html! { div.twin { (steps(&numbers)) (health(&numbers)) } }))
}

fn four(numbers: &Numbers) -> Markup {
    let zero = &numbers.zero;
    let doubt = &zero.in_doubt;
    let since = doubt
        .oldest
        .map(|oldest| format!("the oldest for {}", words::span_s((numbers.at - oldest).num_seconds())));
    let money = words::stakes(&doubt.stakes);
    let doubt_words = match (doubt.sagas, money.as_str()) {
        (0, _) => "the outcome of every call is known".into(),
        (_, "") => since.unwrap_or_default(),
        (_, money) => format!("{money}, {}", since.unwrap_or_default()),
    };
    let (stuck, stuck_words) = match (zero.stuck - zero.overdue, zero.overdue) {
        (0, 0) => ("/console/sagas?trouble=stuck", "every saga moves or knows when it will".to_owned()),
        (0, late) => ("/console/sagas?trouble=overdue", overdue(late)),
        (1, 0) => ("/console/sagas?trouble=stuck", "it needs a person".to_owned()),
        (_, 0) => ("/console/sagas?trouble=stuck", "they need a person".to_owned()),
        (_, late) => ("/console/sagas?trouble=stuck", overdue(late)),
    };
    let seats_words = match zero.seats_overdue {
        0 => "every held seat is within its time",
        1 => "nobody can buy it",
        _ => "nobody can buy them",
    };
    let owed_words = match zero.owed {
        0 => "nothing is owed to anybody",
        1 => "it failed and will be tried again",
        _ => "they failed and will be tried again",
    };
    html! {
        section.four aria-label="What must be zero" {
            (number(stuck, zero.stuck, "loud", ["saga can't progress", "sagas can't progress"], &stuck_words))
            (number("/console/sagas?trouble=in_doubt", doubt.sagas, "heed", ["money in doubt", "money in doubt"], &doubt_words))
            (number("/console/sagas?q=seats:overdue", zero.seats_overdue, "heed", ["seat held past its time", "seats held past their time"], seats_words))
            (number("/console/sagas?trouble=owed", zero.owed, "loud", ["compensation owed", "compensations owed"], owed_words))
        }
    }
}

/// How many sagas are due: `1 saga is due, and no lane takes it`.
fn overdue(late: i64) -> String {
    match late {
        1 => "1 saga is due, and no lane takes it".to_owned(),
        late => format!("{} are due, and no lane takes them", words::things(late, "saga")),
    }
}

/// A number that should be zero; its name is given for one and for many.
fn number(path: &str, number: i64, when_not: &str, [one, many]: [&str; 2], more: &str) -> Markup {
    let name = if number == 1 { one } else { many };
    html! {
        a class=(if number == 0 { "zero" } else { when_not }) href=(path) {
            b { (words::count(number, COUNTED_TO)) }
            span { @if number != 0 { "▲ " } (name) }
            span.faint { (more) }
        }
    }
}

fn plots(numbers: &Numbers, minutes: &[Minute]) -> Markup {
    let since = numbers.at - TimeDelta::hours(HOURS);
    let points = |value: fn(&Minute) -> f64| {
        minutes.iter().map(|minute| (way(minute.at, since, numbers.at), value(minute))).collect()
    };
    let label = format!("{HOURS} h ago");
    let count = |number: f64| words::thousands(number as i64);
    let seconds = |s: f64| words::span_ms(s * 1_000.0);
    let plot = |title, figure, value, unit| {
        Plot { title, figure, points: points(value), unit, since: &label }.draw()
    };
    let ended = numbers.ended_per_s.map_or("–".into(), |rate| format!("{rate:.1}/s"));
    html! {
        div.plots {
            (plot("Sagas ended", ended, |minute| minute.ended_per_s, |rate| format!("{rate:.1}/s")))
            (plot("Can't progress", count(numbers.zero.stuck as f64), |minute| minute.stuck as f64, count))
            (plot("In doubt", count(numbers.zero.in_doubt.sagas as f64), |minute| minute.in_doubt as f64, count))
            (plot("Oldest due saga", seconds(numbers.oldest_due_s), |minute| minute.oldest_due_s, seconds))
            (plot("Sagas taken over from silent nodes, last hour", count(numbers.takeovers as f64), |minute| minute.takeovers as f64, count))
            (plot("Database answers within", words::span_ms(numbers.database.answered_in_ms), |minute| minute.database_ms, words::span_ms))
        }
    }
}

/// The place of a moment between two others, from 0 to 1.
fn way(at: DateTime<Utc>, since: DateTime<Utc>, now: DateTime<Utc>) -> f64 {
    let whole = (now - since).num_milliseconds().max(1) as f64;
    ((at - since).num_milliseconds() as f64 / whole).clamp(0.0, 1.0)
}

fn steps(numbers: &Numbers) -> Markup {
    let ms = |seconds: f64| words::span_ms(seconds * 1_000.0);
    html! {
        section {
            h2 { "Steps in the last five minutes" }
            @if numbers.steps.is_empty() {
                p.faint { "No step has run." }
            } @else {
                table {
                    thead { tr { th { "step" } th.number { "ran" } th.number { "p50" } th.number { "p99" } } }
                    tbody {
                        @for step in &numbers.steps {
                            tr {
                                td { a href={ "/console/sagas?step=" (step.step) } { (step.step) } }
                                td.number { (words::thousands(step.ran as i64)) }
                                td.number { (ms(step.p50_s)) }
                                td.number { (ms(step.p99_s)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn health(numbers: &Numbers) -> Markup {
    let database = &numbers.database;
    html! {
        section {
            h2 { "Health" }
            dl.facts {
                dt { "nodes" }
                dd { @if numbers.nodes.is_empty() { span.bad { "▲ no node has reported for five minutes" } } @else { (numbers.nodes.join(", ")) } }
                dt { "modes" }
                dd {
                    @if numbers.degraded.is_empty() { "all normal" }
                    @for mode in &numbers.degraded { span.doubt { "▲ degraded: " (mode.replace('_', " ")) } br; }
                }
                dt { "oldest due saga" }
                dd { (judged(numbers.oldest_due_s < LATE_S, &words::span_ms(numbers.oldest_due_s * 1_000.0))) }
                dt { "database" }
                dd { "answers in " (judged(database.answered_in_ms < SLOW_MS, &words::span_ms(database.answered_in_ms))) }
                dt { "connections" }
                dd { (judged(database.connections * 10 < database.connections_max * 9, &format!("{} of {}", database.connections, database.connections_max))) }
                dt { "longest transaction" }
                dd {
                    @match &database.long_reader {
                        None => "none is open for long",
                        Some(reader) => span.doubt {
                            "▲ open for " (words::span_s(reader.open_s as i64)) ": " (reader.application) " as " (reader.role) ", pid " (reader.pid)
                        },
                    }
                }
            }
        }
    }
}

fn judged(good: bool, words: &str) -> Markup {
    html! { @if good { (words) } @else { span.doubt { "▲ " (words) } } }
}

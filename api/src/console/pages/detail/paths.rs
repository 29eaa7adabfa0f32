//! The two paths of a saga: forward to the left of its steps' names, compensation to the right as its mirror.
//!
//! Read down the left side, then up the right side: compensations run in the reverse order. Each bar is an attempt or a wait;
//! what its colour says, its words say too, and what is in doubt is hatched.

use super::{
    super::value,
    scale::{Scale, WIDTH},
    timeline::{End, Kind, Path, RequestRow},
};
use crate::console::words::{self, span_ms, span_s};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use operator::Attempt;
use orchestrator::Position;

/// What the bars need besides the rows.
pub struct Context {
    /// The database's time.
    pub now: DateTime<Utc>,
    /// Whether the saga is at rest.
    pub at_rest: bool,
    /// When it turned back.
    pub turned: Option<DateTime<Utc>>,
    /// The compensation that is done next.
    pub next_undo: Option<Position>,
    /// Whether a call is out.
    pub call_out: bool,
    /// Whether something will happen by itself.
    pub waits: bool,
}

/// The table of both paths.
pub fn draw(rows: &[RequestRow], context: &Context) -> Markup {
    let (forward, back) = scales(rows, context);
    html! {
        (patterns())
        div.wide {
            table.paths {
                thead { tr {
                    th.forward { "forward ↓" }
                    th.spine { "request" }
                    th.back { "↑ compensation" }
                } }
                tbody {
                    @for row in rows { (self::row(row, &forward, &back, context)) }
                    @if rows.is_empty() { tr { td colspan="3" class="faint" { "The saga has asked for nothing yet." } } }
                }
            }
        }
        (legend())
    }
}

/// One scale for everything that went forward, and one for everything that went back.
fn scales(rows: &[RequestRow], context: &Context) -> (Scale, Scale) {
    let end = |path: &Path| path.ended.or((!context.at_rest).then_some(context.now));
    let moments = |path: &Path| {
        let attempts = path.attempts.iter().flat_map(|attempt| [attempt.began_at, attempt.ended_at]);
        [Some(path.began), end(path)].into_iter().flatten().chain(attempts).collect::<Vec<_>>()
    };
    let forward = rows.iter().flat_map(|row| moments(&row.forward));
    let back = rows.iter().filter_map(|row| row.back.as_ref()).flat_map(moments);
    (Scale::of(forward.collect()), Scale::of(back.chain(context.turned).collect()))
}

fn row(row: &RequestRow, forward: &Scale, back: &Scale, context: &Context) -> Markup {
    let is_next =
        context.next_undo == Some(row.first) || (context.turned.is_none() && row.forward.end == End::Open);
    let owed = row.kind == Kind::Step
        && context.turned.is_some()
        && row.back.is_none()
        && !matches!(row.forward.end, End::Refused(_));
    html! {
        tr id={ "p" (row.first) } class={ @if is_next && !context.at_rest { "now " } @if row.pivot { "pivot" } } {
            td.forward {
                (bars(&row.forward, forward, row.kind, false, context))
                div.said { (outcome_text(&row.forward, row.kind, false, context)) }
            }
            td.spine {
                a href={ "#e" (row.first) } {
                    @match row.kind {
                        Kind::Step => strong { (row.name) },
                        Kind::Signal => em { (row.name) },
                        Kind::Sleep | Kind::Value => span.faint { (row.name) },
                    }
                }
                " " span.faint { "#" (row.first) }
                @if row.pivot { " " span.tag { "decides" } }
                @if row.forgotten { " " span.tag { "rewound" } }
                @if let Some(input) = &row.input { (value::folded("input", input)) }
                @if let Some(made) = &row.forward.made { (value::folded("output", made)) }
            }
            td.back {
                @if let Some(path) = &row.back {
                    (bars(path, back, row.kind, true, context))
                    div.said { (outcome_text(path, row.kind, true, context)) }
                    @if let Some(made) = path.made.as_ref().filter(|made| *made != "null") {
                        (value::folded("reports", made))
                    }
                } @else if owed {
                    span.doubt { "▲ owed, not begun" }
                }
            }
        }
    }
}

fn bars(path: &Path, scale: &Scale, kind: Kind, undo: bool, context: &Context) -> Markup {
    /// The least width of a bar that can still be seen and pointed at.
    const THINNEST: f64 = 7.0;
    let place = |from: DateTime<Utc>, to: DateTime<Utc>| {
        let x = scale.place(from).min(WIDTH - THINNEST);
        (x, (scale.place(to) - x).max(THINNEST))
    };
    let last = match path.end {
        End::Open if path.in_doubt() => None,
        End::Open if context.at_rest => None,
        End::Open => {
            Some(("wait", path.attempts.last().map_or(path.began, |attempt| attempt.ended_at), context.now))
        }
        End::Done | End::WrittenOff => path.ended.map(|ended| (class(kind, undo), since(path), ended)),
        End::Refused(_) => path.ended.map(|ended| ("failed", since(path), ended)),
        End::Passed => path.ended.map(|ended| ("wait", since(path), ended)),
    };
    html! {
        svg viewBox={ "0 0 " (WIDTH) " 14" } preserveAspectRatio="none" aria-hidden="true" {
            line.rail x1="0" x2=(WIDTH) y1="7" y2="7" {}
            @for attempt in &path.attempts {
                @let (x, width) = place(attempt.began_at, attempt.ended_at);
                rect class={ "bar " (if attempt.in_doubt { "in-doubt" } else { "failed" }) }
                    x=(format!("{x:.1}")) y="2" width=(format!("{width:.1}")) height="10" {}
            }
            @if let Some((class, from, to)) = last {
                @let (x, width) = place(from, to);
                rect class={ "bar " (class) } x=(format!("{x:.1}")) y="2" width=(format!("{width:.1}")) height="10" {}
            }
        }
    }
}

/// When the attempt that succeeded began: after the failed ones.
fn since(path: &Path) -> DateTime<Utc> {
    let last = path.attempts.iter().map(|attempt| attempt.ended_at).max();
    last.filter(|last| path.ended.is_some_and(|ended| *last < ended)).unwrap_or(path.began)
}

fn class(kind: Kind, undo: bool) -> &'static str {
    match (kind, undo) {
        (_, true) => "undo",
        (Kind::Step, false) => "ok",
        (Kind::Signal | Kind::Sleep | Kind::Value, false) => "wait",
    }
}

/// What the bars say, in words.
fn outcome_text(path: &Path, kind: Kind, undo: bool, context: &Context) -> Markup {
    let took_us = path.ended.and_then(|ended| (ended - path.began).num_microseconds());
    // A step on our own rows commits with its entry, so we don't know how long it took.
    let took = took_us.filter(|us| *us > 0).map(|us| span_ms(us as f64 / 1_000.0)).unwrap_or_default();
    let tried = path.attempts.len();
    html! {
        @match &path.end {
            End::Done if undo => { span { "✓ undone" } " " (took) },
            End::Done if kind == Kind::Signal => { "✓ received" @if !took.is_empty() { " after " (took) } },
            End::Done => { span.good { "✓ done" } " " (took) },
            End::WrittenOff => { span.doubt { "✎ written off" } },
            End::Refused(why) => { span.bad { "✗ refused" } " " (took) ": " (why) },
            End::Passed => { "deadline passed after " (took) },
            End::Open if path.in_doubt() => { span.doubt { "▨ in doubt" } " for " (span_s((context.now - path.began).num_seconds())) },
            End::Open if context.at_rest && tried > 0 => { span.bad { "✗ failed" } },
            End::Open if context.at_rest => { "left open" },
            End::Open if tried > 0 && context.waits => { span.bad { "✗ failed" } ", will be tried again" },
            End::Open if tried > 0 => { span.bad { "✗ failed" } ", needs a person" },
            End::Open if kind == Kind::Step && context.call_out => { "▶ call out for " (span_s((context.now - path.began).num_seconds())) },
            End::Open => { "open for " (span_s((context.now - path.began).num_seconds())) },
        }
        @if tried > 0 {
            details { summary { (tried) @if tried == 1 { " failed attempt" } @else { " failed attempts" } }
                ul.attempts { @for attempt in &path.attempts { (self::attempt(attempt)) } }
            }
        }
    }
}

fn attempt(attempt: &Attempt) -> Markup {
    let took = (attempt.ended_at - attempt.began_at).num_microseconds().unwrap_or(0) as f64 / 1_000.0;
    html! {
        li {
            "#" (attempt.number) " " (words::clock(attempt.began_at)) ", " (span_ms(took)) ", " (attempt.node) " epoch " (attempt.epoch)
            @if attempt.in_doubt { " " span.tag.doubt { "▨ in doubt" } }
            @if let Some(code) = &attempt.code { " " code { (code) } }
            ": " (attempt.error)
        }
    }
}

fn patterns() -> Markup {
    html! {
        svg.unseen aria-hidden="true" {
            defs {
                pattern #doubtful width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect.stripe-paper width="9" height="9" {}
                    line.stripe x1="0" y1="0" x2="0" y2="9" {}
                }
            }
        }
    }
}

fn legend() -> Markup {
    let key = |class: &str, words: &str| {
        html! {
            span { svg viewBox="0 0 22 10" aria-hidden="true" { rect class={ "bar " (class) } width="22" height="10" {} } (words) }
        }
    };
    html! {
        div.legend {
            (key("ok", "done")) (key("wait", "waiting")) (key("failed", "failed or refused")) (key("in-doubt", "in doubt"))
            (key("undo", "undone"))
            span { "Time runs to the right. Longer gaps are shortened more." }
        }
    }
}

//! The journal, entry by entry, each with an address of its own.

use super::{super::value, timeline::Stamp};
use crate::console::words;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use operator::JournalEntry;
use orchestrator::journal::{Entry, Outcome, Recall};
use service::operators::action_row;

/// The journal as a table.
pub fn draw(entries: &[Entry], stamps: &[Stamp], now: DateTime<Utc>) -> Markup {
    html! {
        section {
            h2 { "Journal" }
            div.wide {
                table {
                    thead { tr { th { "#" } th { "written" } th { "entry" } th { "content" } th { "node" } th.number { "epoch" } } }
                    tbody {
                        @for (index, (entry, stamp)) in entries.iter().zip(stamps).enumerate() {
                            tr id={ "e" (index) } {
                                td { a href={ "#e" (index) } { (index) } }
                                td.nowrap { (words::moment(stamp.at, now)) }
                                td { (summary(entry)) }
                                td { (content(entry)) }
                                td.faint { (stamp.node.as_deref().unwrap_or("–")) }
                                td.number.faint { (stamp.epoch) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The stored text of a journal that this binary can't read.
pub fn draw_unread(entries: &[JournalEntry], now: DateTime<Utc>) -> Markup {
    html! {
        section {
            h2 { "Journal, as it is stored" }
            div.wide {
                table {
                    thead { tr { th { "#" } th { "written" } th { "entry" } th { "content" } th { "node" } th.number { "epoch" } } }
                    tbody { @for entry in entries {
                        tr id={ "e" (entry.position) } {
                            td { a href={ "#e" (entry.position) } { (entry.position) } }
                            td.nowrap { (words::moment(entry.written_at, now)) }
                            td { (words::name(&entry.kind)) }
                            td { (value::folded("content", &entry.body.to_string())) }
                            td.faint { (entry.node.as_deref().unwrap_or("–")) }
                            td.number.faint { (entry.epoch) }
                        }
                    } }
                }
            }
        }
    }
}

/// What an entry is, in a few words.
pub fn summary(entry: &Entry) -> Markup {
    html! {
        @match entry {
            Entry::Begun { workflow, version, .. } => { "begun " strong { (workflow) } " v" (version) },
            Entry::Started { step, .. } => { "started " strong { (step) } },
            Entry::Ended { step, outcome: Outcome::Done(_), pivot, .. } => {
                span.good { "done" } " " strong { (step) } @if *pivot { " " span.tag { "decides" } }
            },
            Entry::Ended { step, outcome: Outcome::Rejected(_), .. } => { span.bad { "refused" } " " strong { (step) } },
            Entry::Waiting { signal: Some(signal), .. } => { "waiting for " em { (signal) } },
            Entry::Waiting { signal: None, .. } => { "sleeping" },
            Entry::Received { signal, .. } => { "received " em { (signal) } },
            Entry::DeadlinePassed { signal, .. } => { "deadline passed" @if let Some(signal) = signal { " for " em { (signal) } } },
            Entry::Value { recall, .. } => { (recalled(recall)) },
            Entry::TurnedBack { .. } => { span.doubt { "turned back" } },
            Entry::UndoStarted { of } => { "undo started of " a href={ "#e" (of) } { "#" (of) } },
            Entry::UndoEnded { of, .. } => { "undone " a href={ "#e" (of) } { "#" (of) } },
            Entry::Operator { action, actor, .. } => { "operator " strong { (actor) } ": " (action_row(action.kind()).label.to_lowercase()) },
            Entry::RewoundTo { position } => { "rewound to " a href={ "#e" (position) } { "#" (position) } },
            Entry::Returned { .. } => { span.good { "returned" } },
        }
    }
}

fn content(entry: &Entry) -> Markup {
    html! {
        @match entry {
            Entry::Begun { input, .. } | Entry::Started { input, .. } => { (value::folded("input", input.get())) },
            Entry::Ended { input, outcome, .. } => {
                @if let Some(input) = input { (value::folded("input", input.get())) " " }
                @match outcome {
                    Outcome::Done(output) => (value::folded("output", output.get())),
                    Outcome::Rejected(rejected) => (rejected),
                }
            },
            Entry::Waiting { until, .. } => { "until " (words::clock(*until)) },
            Entry::Received { sender, payload, .. } => {
                "from " code { (sender) } " " (value::folded("payload", payload.get()))
            },
            Entry::DeadlinePassed { .. } | Entry::UndoStarted { .. } | Entry::RewoundTo { .. } => {},
            Entry::Value { recall: Recall::Emitted { payload, .. }, .. } => { (value::folded("payload", payload.get())) },
            Entry::Value { .. } => {},
            Entry::TurnedBack { cause } => { (serialized(cause)) },
            Entry::UndoEnded { undo, .. } => { (value::folded("reports", undo.get())) },
            Entry::Operator { action, reason, .. } => { "“" (reason) "” " (serialized(action)) },
            Entry::Returned { output } => { (value::folded("output", output.get())) },
        }
    }
}

fn recalled(recall: &Recall) -> Markup {
    match recall {
        Recall::Now(now) => html! { "now " (words::clock(*now)) },
        Recall::Uuid(id) => html! { "uuid " code { (id) } },
        Recall::Emitted { kind, .. } => html! { "emitted " strong { (kind) } },
    }
}

fn serialized(thing: &impl serde::Serialize) -> Markup {
    value::folded("as JSON", &serde_json::to_string(thing).unwrap_or_default())
}

//! A saga's traffic with the outside: letters, webhooks and messages.

use super::{super::value, PageData};
use crate::console::words;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use operator::{Key, Letter};
use orchestrator::journal::Entry;
use service::operators::{DeliveryView, MessageView, WebhookView};
use steps::amount_in_words;

/// All of it. A part without rows is left out.
pub fn draw(data: &PageData) -> Markup {
    let (seen, related, now) = (&data.seen, &data.related, data.seen.now);
    html! {
        @if !seen.keys.is_empty() { (keys(&seen.keys, now)) }
        @if !seen.letters.is_empty() { (letters(&seen.letters, seen.history.entries(), now)) }
        @if !related.webhooks.is_empty() { (webhooks(&related.webhooks, now)) }
        @if !related.outbox.is_empty() { (messages(&related.outbox, now)) }
    }
}

fn keys(keys: &[Key], now: DateTime<Utc>) -> Markup {
    html! {
        section {
            h2 { "Idempotency keys" }
            div.wide { table {
                thead { tr { th { "step" } th { "key" } th { "remembered by the other side" } } }
                tbody { @for key in keys {
                    tr {
                        td { strong { (key.step) } " " a href={ "#e" (key.position) } { "#" (key.position) } }
                        td { (words::id(&key.key)) }
                        td {
                            @match key.expires_at {
                                None => "for an unknown time; repeating the call is harmless",
                                Some(at) if at > now => { "until " (words::moment(at, now)) " " span.faint { (words::ago(at, now)) } },
                                Some(at) => span.doubt { "▲ expired " (words::ago(at, now)) ": the call is probed, never repeated blindly" },
                            }
                        }
                    }
                } }
            } }
        }
    }
}

fn letters(letters: &[Letter], entries: &[Entry], now: DateTime<Utc>) -> Markup {
    html! {
        section {
            h2 { "Letters" }
            div.wide { table {
                thead { tr { th { "received" } th { "letter" } th { "from" } th { "content" } th { "used" } } }
                tbody { @for letter in letters {
                    tr {
                        td.nowrap { (words::moment(letter.received_at, now)) }
                        td { (letter.kind) @if !letter.name.is_empty() { " " em { (letter.name) } } }
                        td { code { (letter.sender) } }
                        td { (value::folded("payload", &letter.payload.to_string())) }
                        td { @match chosen(letter, entries) { Some(index) => a href={ "#e" (index) } { "#" (index) }, None if letter.chosen => "chosen", None => span.faint { "not used" } } }
                    }
                } }
            } }
        }
    }
}

/// The entry that chose a letter.
fn chosen(letter: &Letter, entries: &[Entry]) -> Option<usize> {
    entries.iter().position(|entry| {
        matches!(entry, Entry::Received { signal, sender, .. } if *signal == letter.name && *sender == letter.sender)
    })
}

fn webhooks(webhooks: &[WebhookView], now: DateTime<Utc>) -> Markup {
    html! {
        section {
            h2 { "Webhooks" }
            div.wide { table {
                thead { tr { th { "received" } th { "says" } th.number { "amount" } th { "state" } th { "event" } th { "received again" } } }
                tbody { @for webhook in webhooks {
                    tr {
                        td.nowrap { (words::moment(webhook.received_at, now)) }
                        td { (webhook.kind.as_deref().unwrap_or("nothing that we act on")) }
                        td.number { @if let (Some(minor), Some(currency)) = (webhook.amount_minor, &webhook.currency) { (amount_in_words(minor, currency)) } }
                        td {
                            @match webhook.state.as_str() {
                                "UNMATCHED" => span.doubt { "▲ unmatched" },
                                "PENDING" => span.doubt { "▲ not acted on yet" },
                                "APPLIED" => { "acted on" @if let Some(at) = webhook.applied_at { " " (words::moment(at, now)) } },
                                "IGNORED" => span.faint { "ignored" },
                                other => span.doubt { (other) },
                            }
                        }
                        td { (webhook.provider) " " (words::id(&webhook.event_id)) }
                        td {
                            @if webhook.duplicates > 0 { (webhook.duplicates) "×" @if let Some(at) = webhook.last_duplicate_at { ", last " (words::moment(at, now)) } }
                            @if webhook.variants > 0 { " " span.bad { "▲ " (webhook.variants) "× with another body" } }
                        }
                    }
                } }
            } }
        }
    }
}

fn messages(messages: &[MessageView], now: DateTime<Utc>) -> Markup {
    html! {
        section {
            h2 { "Messages to the outside" }
            div.wide { table {
                thead { tr { th { "decided" } th { "message" } th { "data" } th { "to" } } }
                tbody { @for message in messages {
                    tr {
                        td.nowrap { (words::moment(message.decided_at, now)) " " a href={ "#e" (message.position) } { "#" (message.position) } }
                        td { strong { (message.kind) } }
                        td { (value::folded("payload", &message.payload.to_string())) }
                        td {
                            @if message.deliveries.is_empty() { span.faint { "nobody subscribes" } }
                            @for one in &message.deliveries { div { (delivery(one, now)) } }
                        }
                    }
                } }
            } }
        }
    }
}

fn delivery(one: &DeliveryView, now: DateTime<Utc>) -> Markup {
    html! {
        (one.url.as_deref().unwrap_or("a removed subscription")) ": "
        @if let Some(at) = one.delivered_at { span.good { "✓ arrived" } " " (words::moment(at, now)) }
        @else if let Some(at) = one.failed_at { span.bad { "✗ given up" } " " (words::moment(at, now)) }
        @else if let Some(at) = one.due_at { "on its way, next " (words::ago(at, now)) }
        @if one.attempts > 1 { ", " (one.attempts) " attempts" }
        @if let Some(error) = &one.last_error { ": " (error) }
    }
}

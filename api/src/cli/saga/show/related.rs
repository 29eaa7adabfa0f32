//! What is related to a saga: letters, the service's rows, webhooks, what was told.

use super::super::super::{out, out::Tone};
use chrono::{DateTime, SecondsFormat, Utc};
use service::operators::{DeliveryView, KeyView, MessageView, SagaDetail, Standing, WebhookView};

pub fn print(detail: &SagaDetail) {
    for letter in &detail.letters {
        let name =
            if letter.name.is_empty() { String::new() } else { format!(" `{}`", out::clean(&letter.name)) };
        let (kind, sender) = (&letter.kind, out::clean(&letter.sender));
        let chosen = if letter.chosen { "" } else { ", not chosen" };
        out::line(format_args!(
            "letter {}  {kind}{name} from `{sender}`{chosen}",
            moment(letter.received_at)
        ));
    }
    detail.keys.iter().for_each(key);
    if let Some(rows) = &detail.rows {
        standing(rows);
    }
    detail.webhooks.iter().for_each(webhook);
    detail.outbox.iter().for_each(message);
}

fn key(key: &KeyView) {
    let expires = match key.expires_at {
        None => String::new(),
        Some(at) if at < Utc::now() => out::paint(
            format!(
                ", forgotten by the other side since {}: the call is probed before it is repeated",
                out::time(at)
            ),
            Tone::Warn,
        ),
        Some(at) => format!(", remembered by the other side until {}", out::time(at)),
    };
    let (position, step) = (key.position, out::clean(&key.step));
    out::line(format_args!("key {}  {step} of #{position}{expires}", key.key));
}

fn standing(rows: &Standing) {
    for reservation in &rows.reservations {
        let user =
            reservation.user.as_deref().map(out::clean).unwrap_or_else(|| reservation.user_id.to_string());
        out::line(format_args!(
            "reservation {}  {}  {} for {user}, until {}",
            reservation.id,
            reservation.status,
            out::clean(&reservation.event),
            out::time(reservation.reserved_until)
        ));
        for seat in &reservation.seats {
            let own = if seat.own { "its own" } else { "not its own" };
            out::line(format_args!(
                "  seat {}  {} ({own}, hold {})",
                out::clean(&seat.label),
                seat.status,
                seat.hold
            ));
        }
    }
    for payment in &rows.payments {
        let reference = payment.gateway_reference.as_deref().map(out::clean).unwrap_or_default();
        let sum = |minor: i64| out::money(minor, &payment.amount.currency);
        let (captured, refunded) = (sum(payment.ledger.captured_minor), sum(payment.ledger.refunded_minor));
        out::line(format_args!(
            "payment {}  {}, money {}, {} {reference}; captured {captured}, refunded {refunded}",
            payment.id,
            payment.status,
            payment.money,
            out::clean(&payment.gateway),
        ));
    }
    for booking in &rows.bookings {
        out::line(format_args!("booking {}  {}", booking.id, booking.status));
    }
}

fn webhook(webhook: &WebhookView) {
    let tone = match webhook.state.as_str() {
        "APPLIED" => Tone::Good,
        "IGNORED" => Tone::Dim,
        _ => Tone::Warn,
    };
    let again = match webhook.duplicates {
        0 => String::new(),
        many => format!(", received again {many}×"),
    };
    let variants = match webhook.variants {
        0 => String::new(),
        many => out::paint(format!(", {many} other bodies under its id"), Tone::Bad),
    };
    out::line(format_args!(
        "webhook {}  {}/{} {} {}{again}{variants}",
        moment(webhook.received_at),
        out::clean(&webhook.provider),
        out::clean(&webhook.event_id),
        out::clean(webhook.kind.as_deref().unwrap_or("of an unknown kind")),
        out::paint(&webhook.state, tone),
    ));
}

fn message(message: &MessageView) {
    let to = match message.handed_over_at {
        None => out::paint("not handed over yet", Tone::Warn),
        Some(_) if message.deliveries.is_empty() => out::paint("nobody subscribes to it", Tone::Dim),
        Some(_) => String::new(),
    };
    let kind = out::clean(&message.kind);
    out::line(format_args!("told {}  {kind} of #{} {to}", moment(message.decided_at), message.position));
    message.deliveries.iter().for_each(delivery);
}

fn delivery(delivery: &DeliveryView) {
    let how = match (delivery.delivered_at, delivery.failed_at, delivery.due_at) {
        (Some(at), _, _) => out::paint(format!("arrived {}", moment(at)), Tone::Good),
        (None, Some(at), _) => out::paint(format!("given up {}", moment(at)), Tone::Bad),
        (None, None, Some(due)) => out::paint(format!("next {}", moment(due)), Tone::Warn),
        (None, None, None) => String::new(),
    };
    let url = delivery.url.as_deref().map(out::clean).unwrap_or_else(|| delivery.subscription.to_string());
    let error = delivery.last_error.as_deref().map(|error| format!(": {}", out::short(error, 100)));
    out::line(format_args!("  {url} {how}, attempt {}{}", delivery.attempts, error.unwrap_or_default()));
}

/// To the millisecond: entries of one saga are close together.
pub fn moment(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

//! The service's rows about a saga as they are now: reservation, seats, payment, booking.

use crate::console::words;
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use service::operators::{PaymentStanding, ReservationStanding, Standing};
use steps::amount_in_words;

/// All of these rows.
pub fn draw(standing: Option<&Standing>, now: DateTime<Utc>) -> Markup {
    html! {
        section {
            h2 { "Reservation, payment and booking" }
            @match standing {
                None => p.faint { "Nothing." },
                Some(Standing { reservations, payments, bookings }) => {
                    @for one in reservations { (reservation(one, now)) }
                    @for one in payments { (payment(one, now)) }
                    @for one in bookings {
                        h3 { "Booking " (one.status) }
                        dl.facts {
                            dt { "id" } dd { (words::id(one.id)) }
                            dt { "confirmed" } dd { (words::moment(one.created_at, now)) }
                            @if let Some(at) = one.cancelled_at { dt { "cancelled" } dd { (words::moment(at, now)) } }
                        }
                    }
                }
            }
        }
    }
}

fn reservation(one: &ReservationStanding, now: DateTime<Utc>) -> Markup {
    let overdue = one.status == "PENDING" && one.reserved_until < now;
    html! {
        h3 { "Reservation " (one.status) }
        dl.facts {
            dt { "id" } dd { (words::id(one.id)) }
            dt { "event" } dd { (one.event) }
            dt { "user" } dd { (one.user.as_deref().unwrap_or("no name")) " " (words::id(one.user_id)) }
            dt { "amount" } dd { (one.amount) }
            dt { "held until" }
            dd {
                (words::moment(one.reserved_until, now)) " "
                @if overdue { span.doubt { "▲ past its time, " (words::ago(one.reserved_until, now)) } }
                @else { span.faint { (words::ago(one.reserved_until, now)) } }
            }
            @if let Some(at) = one.ended_at { dt { "ended" } dd { (words::moment(at, now)) } }
            @if let Some(id) = one.revives { dt { "revives" } dd { (words::id(id)) } }
            dt { "seats" }
            dd { table { tbody { @for seat in &one.seats {
                tr {
                    td { (seat.label) }
                    td { (seat.status) @if !seat.own { span.faint { ", of another reservation" } } }
                    td.number.faint { "hold " (seat.hold) }
                    td { (words::id(seat.id)) }
                }
            } } } }
        }
    }
}

fn payment(one: &PaymentStanding, now: DateTime<Utc>) -> Markup {
    let sum = |minor: i64| amount_in_words(minor, &one.amount.currency);
    let ledger = one.ledger;
    let sums = [
        ("held", ledger.held_minor),
        ("captured", ledger.captured_minor),
        ("refunded", ledger.refunded_minor),
        ("owed", ledger.owed_minor),
        ("disputed", ledger.disputed_minor),
    ];
    html! {
        h3 { "Payment " (one.status) ", money " (one.money) }
        dl.facts {
            dt { "id" } dd { (words::id(one.id)) }
            dt { "amount" } dd { (one.amount) " by " (one.gateway) }
            @if let Some(reference) = &one.gateway_reference { dt { "reference" } dd { (words::id(reference)) } }
            @if let Some(failure) = &one.failure { dt { "failure" } dd { span.bad { (failure) } } }
            @if one.disputed { dt { "dispute" } dd { span.doubt { "▲ the customer's bank disputes it" } } }
            @if let Some(id) = one.late_for { dt { "late for" } dd { (words::id(id)) } }
            dt { "ledger" }
            dd {
                @let moved: Vec<String> = sums.iter().filter(|(_, minor)| *minor != 0).map(|(name, minor)| format!("{name} {}", sum(*minor))).collect();
                @if moved.is_empty() { "no money has moved" } @else { (moved.join(", ")) }
            }
            dt { "ordered" } dd { (words::moment(one.created_at, now)) }
            @if let Some(at) = one.settled_at { dt { "settled" } dd { (words::moment(at, now)) } }
        }
    }
}

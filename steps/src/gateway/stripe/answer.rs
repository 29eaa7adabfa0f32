//! Stripe's answers in our words: good ones by [`super::wire`], bad ones by [`super::refusal`].

use super::{
    event::read as read_event,
    refusal,
    wire::{List, PaymentIntent, WireRefund},
};
use crate::gateway::{
    Event, EventId, GatewayError, Intent, IntentId, PAGE_ITEMS_MAX, Page, Refund, RefundId,
    http::{Reply, garbage, json},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// An intent; `expected` is the one that was asked for.
pub(super) fn intent(reply: &Reply, expected: Option<&IntentId>) -> Result<Intent, GatewayError> {
    let intent = parse::<PaymentIntent>(reply)?.read().map_err(|what| garbage(reply.status, what))?;
    match expected {
        Some(id) if *id != intent.id => Err(garbage(reply.status, "another intent than the one asked for")),
        _ => Ok(intent),
    }
}

pub(super) fn refund(reply: &Reply) -> Result<Refund, GatewayError> {
    parse::<WireRefund>(reply)?.read().map_err(|what| garbage(reply.status, what))
}

/// Refunds of one intent. Another's among them would count as money that has gone back.
pub(super) fn refunds(reply: &Reply, intent: &IntentId) -> Result<Page<Refund, RefundId>, GatewayError> {
    let list: List<WireRefund> = parse(reply)?;
    let items = list.data.into_iter().map(WireRefund::read).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|what| garbage(reply.status, what))?;
    if items.iter().any(|refund| refund.intent.as_ref().is_some_and(|of| of != intent)) {
        return Err(garbage(reply.status, "a refund of another intent than the one asked for"));
    }
    let next = items.last().filter(|_| list.has_more).map(|last| last.id.clone());
    Ok(Page { items, next })
}

pub(super) fn intents(reply: &Reply) -> Result<Page<Intent, IntentId>, GatewayError> {
    let list: List<PaymentIntent> = parse(reply)?;
    let items = read_all(reply, list.data)?;
    let next = items.last().filter(|_| list.has_more).map(|last| last.id.clone());
    Ok(Page { items, next })
}

/// A page of a search, whose cursor is its own.
pub(super) fn found(reply: &Reply) -> Result<Page<Intent, String>, GatewayError> {
    let list: List<PaymentIntent> = parse(reply)?;
    let next = list.next_page.filter(|_| list.has_more);
    Ok(Page { items: read_all(reply, list.data)?, next })
}

/// Events; one that can't be read keeps nobody from the others.
pub(super) fn events(reply: &Reply) -> Result<Page<Event, EventId>, GatewayError> {
    #[derive(Deserialize)]
    struct Named {
        id: EventId,
    }
    let list: List<Box<RawValue>> = parse(reply)?;
    let mut items = Vec::with_capacity(list.data.len().min(PAGE_ITEMS_MAX));
    for raw in list.data {
        let Named { id } =
            serde_json::from_str(raw.get()).map_err(|_| garbage(reply.status, "an event without its id"))?;
        items.push(Event { id, body: raw.get().to_owned(), fact: read_event(raw.get().as_bytes()) });
    }
    let next = items.last().filter(|_| list.has_more).map(|last| last.id.clone());
    Ok(Page { items, next })
}

fn read_all(reply: &Reply, items: Vec<PaymentIntent>) -> Result<Vec<Intent>, GatewayError> {
    let items = items.into_iter().map(PaymentIntent::read).collect::<Result<_, _>>();
    items.map_err(|what| garbage(reply.status, what))
}

fn parse<T: DeserializeOwned>(reply: &Reply) -> Result<T, GatewayError> {
    match reply.status {
        200..=299 => json(reply),
        _ => Err(refusal::read(reply)),
    }
}

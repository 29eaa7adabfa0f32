//! The standard protocol's answers in our words.

use super::{news, wire::Charge};
use crate::gateway::{
    Event, EventId, GatewayError, Intent, IntentId, Page, Refund, RefundId,
    http::{Reply, garbage, json},
    text::{sentence, word},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Charges {
    charges: Vec<Charge>,
    more: bool,
}

#[derive(Deserialize)]
struct News {
    news: Vec<Item>,
    more: bool,
}

#[derive(Deserialize)]
struct Item {
    id: EventId,
    body: Box<RawValue>,
}

/// An error: why in one word, a text for people, the field it is about, and the charge where its state is the reason.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    reason: String,
    text: String,
    field: String,
    charge: Option<Charge>,
}

/// A charge, whose id stands in a header; `expected` is the one that was asked for.
pub(super) fn charge(reply: &Reply, expected: Option<&IntentId>) -> Result<Charge, GatewayError> {
    let mut charge: Charge = parse(reply)?;
    let id = reply.header("charge-id").ok_or_else(|| garbage(reply.status, "no `Charge-Id`"))?;
    if expected.is_some_and(|expected| expected.as_str() != id) {
        return Err(garbage(reply.status, "another charge than the one asked for"));
    }
    charge.id = Some(IntentId::new(id));
    Ok(charge)
}

pub(super) fn intent(reply: &Reply, expected: Option<&IntentId>) -> Result<Intent, GatewayError> {
    charge(reply, expected)?.read().map_err(|what| garbage(reply.status, what))
}

pub(super) fn intents(reply: &Reply) -> Result<Page<Intent, IntentId>, GatewayError> {
    let Charges { charges, more } = parse(reply)?;
    let items = charges.into_iter().map(Charge::read).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|what| garbage(reply.status, what))?;
    let next = items.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Page { items, next })
}

/// The id of a refund that was accepted. What it is stands under its charge.
pub(super) fn refund_id(reply: &Reply) -> Result<RefundId, GatewayError> {
    parse::<serde::de::IgnoredAny>(reply)?;
    let id = reply.header("refund-id").ok_or_else(|| garbage(reply.status, "no `Refund-Id`"))?;
    Ok(RefundId::new(id))
}

pub(super) fn refunds(reply: &Reply, id: &IntentId) -> Result<Vec<Refund>, GatewayError> {
    charge(reply, Some(id))?.read_refunds().map_err(|what| garbage(reply.status, what))
}

pub(super) fn events(reply: &Reply) -> Result<Page<Event, EventId>, GatewayError> {
    let News { news, more } = parse(reply)?;
    let read = |Item { id, body }: Item| {
        let body = body.get().to_owned();
        let fact = news::read(id.as_str(), body.as_bytes());
        Event { id, body, fact }
    };
    let items: Vec<_> = news.into_iter().map(read).collect();
    let next = items.last().filter(|_| more).map(|last| last.id.clone());
    Ok(Page { items, next })
}

fn parse<T: DeserializeOwned>(reply: &Reply) -> Result<T, GatewayError> {
    match reply.status {
        200..=299 => json(reply),
        _ => Err(refusal(reply)),
    }
}

/// What a 4xx means. One that isn't the protocol's JSON (a proxy's page) leaves the outcome unknown.
fn refusal(reply: &Reply) -> GatewayError {
    let Reply { status, retry_after, .. } = *reply;
    let error = match (status, json::<ErrorBody>(reply)) {
        (429, _) => return GatewayError::Busy { retry_after },
        (_, Ok(error)) => error,
        (_, Err(_)) => return garbage(status, "an error without the protocol's JSON"),
    };
    let code = word(&error.reason);
    match (status, code.as_str()) {
        (401 | 403, _) => GatewayError::Unauthorised { status },
        (404, _) => GatewayError::NotFound,
        (409, "request-running") => GatewayError::KeyInUse { retry_after },
        (409, _) => match error.charge.map(Charge::read).transpose() {
            Ok(intent) => GatewayError::WrongState { code, intent: intent.map(Box::new) },
            Err(field) => garbage(status, field),
        },
        (422, "request-reused") => GatewayError::KeyReused,
        // Too slow, or too early: it may still be on its way.
        (408 | 425, _) => garbage(status, "a request that the gateway has not taken in time"),
        (400..=499, _) => GatewayError::Invalid {
            status,
            code,
            param: word(&error.field),
            message: sentence(&error.text),
            intent: None,
        },
        _ => garbage(status, "a status that the protocol doesn't have"),
    }
}

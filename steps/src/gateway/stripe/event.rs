//! Stripe's events, read as facts.

use super::wire::{Metadata, PaymentIntent, WireRefund, currency, time};
use crate::gateway::{
    BadEvent, Currency, EventId, Fact, FactKind, Intent, IntentId, Money, Trace, fact::DisputeStage,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

/// The provider's name in our tables and paths.
pub const PROVIDER: &str = "stripe";

/// The types that we act on; the rest is [`FactKind::Ignored`]. Stripe takes at most 20 in a filter.
pub const TYPES: [&str; 13] = [
    "payment_intent.amount_capturable_updated",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_intent.canceled",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
];

/// How much of an unknown type is kept.
const TYPE_BYTES_MAX: usize = 100;

/// Reads the body of an event whose signature was verified, or that was read back from the gateway.
///
/// # Errors
/// [`BadEvent`]; doubled keys among those we read are an error, since two readers could take two values.
pub fn read(body: &[u8]) -> Result<Fact, BadEvent> {
    let event: Event = serde_json::from_slice(body).map_err(BadEvent::Json)?;
    let object = event.data.object.get();
    let (kind, about) = match event.kind.as_str() {
        "payment_intent.amount_capturable_updated" => {
            intent(object, FactKind::Authorised, |intent| intent.amount_capturable)?
        }
        "payment_intent.succeeded" => intent(object, FactKind::Captured, |intent| intent.amount_received)?,
        "payment_intent.payment_failed" => intent(object, FactKind::Declined, ordered)?,
        "payment_intent.processing" => intent(object, FactKind::Processing, ordered)?,
        "payment_intent.requires_action" => intent(object, FactKind::ActionRequired, ordered)?,
        "payment_intent.canceled" => intent(object, FactKind::Cancelled, ordered)?,
        "charge.refunded" => charge(object)?,
        "refund.created" | "refund.updated" | "refund.failed" => refund(object)?,
        "charge.dispute.created" => dispute(object, DisputeStage::Opened)?,
        "charge.dispute.updated" => dispute(object, DisputeStage::Changed)?,
        "charge.dispute.closed" => dispute(object, DisputeStage::Closed)?,
        other => {
            let kept = other.chars().filter(|c| !c.is_control()).take(TYPE_BYTES_MAX).collect();
            (FactKind::Ignored(kept), About::default())
        }
    };
    Ok(Fact {
        provider: PROVIDER.to_owned(),
        event_id: event.id,
        kind,
        intent: about.intent,
        trace: about.trace,
        money: about.money,
        at: time(event.created).map_err(BadEvent::Value)?,
        live: event.livemode,
    })
}

#[derive(Deserialize)]
struct Event {
    id: EventId,
    #[serde(rename = "type")]
    kind: String,
    created: i64,
    #[serde(default)]
    livemode: bool,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Box<RawValue>,
}

/// What the event's object tells besides its kind.
#[derive(Default)]
struct About {
    intent: Option<IntentId>,
    money: Option<Money>,
    trace: Trace,
}

#[derive(Deserialize)]
struct Charge {
    payment_intent: Option<IntentId>,
    amount_refunded: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    #[serde(default)]
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Dispute {
    id: String,
    payment_intent: Option<IntentId>,
    amount: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    status: String,
    #[serde(default)]
    metadata: Option<Metadata>,
}

fn parse<T: DeserializeOwned>(object: &str) -> Result<T, BadEvent> {
    serde_json::from_str(object).map_err(BadEvent::Json)
}

/// An event that doesn't say how much is news all the same: the intent is read before anybody acts on it.
fn intent(
    object: &str,
    kind: FactKind,
    amount: fn(&Intent) -> Option<i64>,
) -> Result<(FactKind, About), BadEvent> {
    let intent = parse::<PaymentIntent>(object)?.read().map_err(BadEvent::Value)?;
    let money = amount(&intent).map(|amount| Money { amount, ..intent.money });
    Ok((kind, About { intent: Some(intent.id), money, trace: intent.trace }))
}

fn ordered(intent: &Intent) -> Option<i64> {
    Some(intent.money.amount)
}

fn charge(object: &str) -> Result<(FactKind, About), BadEvent> {
    let Charge { payment_intent, amount_refunded, currency, metadata } = parse(object)?;
    let about = About {
        intent: payment_intent,
        money: Some(Money::new(amount_refunded, currency)),
        trace: metadata.unwrap_or_default().trace(),
    };
    Ok((FactKind::ChargeRefunded, about))
}

fn refund(object: &str) -> Result<(FactKind, About), BadEvent> {
    let refund = parse::<WireRefund>(object)?.read().map_err(BadEvent::Value)?;
    let kind = FactKind::Refund { id: refund.id, status: refund.status };
    Ok((kind, About { intent: refund.intent, money: Some(refund.money), trace: refund.trace }))
}

fn dispute(object: &str, stage: DisputeStage) -> Result<(FactKind, About), BadEvent> {
    let Dispute { id, payment_intent, amount, currency, status, metadata } = parse(object)?;
    let about = About {
        intent: payment_intent,
        money: Some(Money::new(amount, currency)),
        trace: metadata.unwrap_or_default().trace(),
    };
    Ok((FactKind::Dispute { id, stage, status }, about))
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;

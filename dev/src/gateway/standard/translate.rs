//! Stripe's JSON, in which the books are rendered, translated into the standard protocol.

use super::{
    super::books::{Books, intent::Intent, news::News, render},
    decimal,
};
use axum::http::HeaderName;
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

/// An answer in the standard protocol.
pub(in crate::gateway) struct StandardAnswer {
    pub status: u16,
    pub header: Option<(HeaderName, String)>,
    pub body: Value,
}

/// By what kind of object it is.
pub(in crate::gateway) fn answer(books: &Books, status: u16, answer: Value) -> StandardAnswer {
    let plain = |status, body| StandardAnswer { status, header: None, body };
    let id = || answer["id"].as_str().unwrap_or_default().to_owned();
    match answer["object"].as_str() {
        Some("payment_intent") => {
            let mut translated = charge(books, &answer);
            translated.remove("id");
            let header = Some((HeaderName::from_static("charge-id"), id()));
            StandardAnswer { status, header, body: Value::Object(translated) }
        }
        Some("refund") => {
            let mut translated = refund(&answer);
            translated.remove("id");
            let header = Some((HeaderName::from_static("refund-id"), id()));
            StandardAnswer { status, header, body: Value::Object(translated) }
        }
        Some("list" | "search_result") => {
            let charges = answer["data"].as_array().into_iter().flatten().map(|intent| charge(books, intent));
            plain(status, json!({"charges": charges.collect::<Vec<_>>(), "more": answer["has_more"]}))
        }
        _ if answer["error"].is_object() => error(books, status, &answer["error"]),
        _ => plain(status, answer),
    }
}

/// What a webhook says of `news`; `None` for what the protocol doesn't tell.
pub(in crate::gateway) fn message(books: &Books, news: &News, created_s: i64) -> Option<String> {
    let kind = match news.kind.as_str() {
        "payment_intent.amount_capturable_updated" => "charge.held",
        "payment_intent.succeeded" => "charge.taken",
        "payment_intent.payment_failed" => "charge.refused",
        "payment_intent.processing" => "charge.working",
        "payment_intent.requires_action" => "charge.asked",
        "payment_intent.canceled" => "charge.dropped",
        "refund.created" | "refund.updated" | "refund.failed" => "refund.changed",
        "charge.dispute.created" => "dispute.opened",
        "charge.dispute.updated" => "dispute.changed",
        "charge.dispute.closed" => "dispute.closed",
        _ => return None,
    };
    let about = || {
        let intent: &Intent = books.intents.get(news.intent.as_deref()?)?;
        Some(charge(books, &render::intent(intent, true)))
    };
    let mut message = json!({"type": kind, "at": time(created_s), "mode": "test"});
    match kind.split_once('.') {
        Some(("refund", _)) => {
            message["charge"] = json!(about()?);
            message["refund"] = json!(refund(&news.object));
        }
        Some(("dispute", _)) => {
            let currency = news.object["currency"].as_str().unwrap_or_default().to_uppercase();
            let amount = decimal::write(news.object["amount"].as_i64().unwrap_or(0), &currency);
            let (id, state) = (&news.object["id"], &news.object["status"]);
            message["dispute"] = json!({"id": id, "amount": amount, "state": state});
            message["charge"] = json!(about()?);
        }
        // As the event shows it, which may be a lie.
        _ => message["charge"] = json!(charge(books, &news.object)),
    }
    Some(message.to_string())
}

fn charge(books: &Books, intent: &Value) -> Map<String, Value> {
    let currency = intent["currency"].as_str().unwrap_or_default().to_uppercase();
    let amount = |field: &Value| decimal::write(field.as_i64().unwrap_or(0), &currency);
    let told = |field: &Value| if field.is_null() { Value::Null } else { json!(amount(field)) };
    let state = match intent["status"].as_str() {
        Some("requires_action") => "asked",
        Some("processing") => "working",
        Some("requires_capture") => "held",
        Some("succeeded") => "taken",
        Some("requires_payment_method") => "refused",
        Some("canceled") => "dropped",
        _ => "drafted",
    };
    let id = intent["id"].as_str().unwrap_or_default();
    let refunds = books.refunds.oldest_first().filter(|refund| refund.intent == id);
    let refunds: Vec<_> = refunds.map(|found| refund(&render::refund(found))).collect();
    let returned =
        books.intents.get(id).and_then(|intent| intent.charge.as_ref()).map_or(0, |it| it.amount_refunded);
    let action = &intent["next_action"]["redirect_to_url"]["url"];
    let refusal = &intent["last_payment_error"];
    let translated = json!({
        "id": id,
        "state": state,
        "hold": intent["capture_method"] == "manual",
        "amount": amount(&intent["amount"]),
        "currency": currency,
        "held": told(&intent["amount_capturable"]),
        "taken": told(&intent["amount_received"]),
        "returned": decimal::write(returned, &currency),
        "reference": reference(&intent["metadata"]),
        "action": if action.is_null() { Value::Null } else { json!({"page": action}) },
        "refusal": match refusal.is_object() {
            true => json!({"reason": refusal["code"], "bank": refusal["decline_code"]}),
            false => Value::Null,
        },
        "refunds": refunds,
        "made_at": time(intent["created"].as_i64().unwrap_or(0)),
        "mode": "test",
    });
    match translated {
        Value::Object(translated) => translated,
        _ => Map::new(),
    }
}

fn refund(refund: &Value) -> Map<String, Value> {
    let currency = refund["currency"].as_str().unwrap_or_default().to_uppercase();
    let state = match refund["status"].as_str() {
        Some("succeeded") => "done",
        Some("failed") => "failed",
        Some("canceled") => "withdrawn",
        _ => "pending",
    };
    let fields = [
        ("id", refund["id"].clone()),
        ("amount", json!(decimal::write(refund["amount"].as_i64().unwrap_or(0), &currency))),
        ("state", json!(state)),
        ("reference", reference(&refund["metadata"])),
        ("made_at", json!(time(refund["created"].as_i64().unwrap_or(0)))),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A bank that says no is no error here; a state that forbids something is a conflict.
fn error(books: &Books, status: u16, error: &Value) -> StandardAnswer {
    let word = |field: &str| error[field].as_str().unwrap_or_default().replace('_', "-");
    let shown = error["payment_intent"].is_object().then(|| charge(books, &error["payment_intent"]));
    let (status, reason) = match (status, error["type"].as_str()) {
        (402, _) => {
            let mut translated = shown.unwrap_or_default();
            let id = translated.remove("id").and_then(|id| Some(id.as_str()?.to_owned())).unwrap_or_default();
            let header = Some((HeaderName::from_static("charge-id"), id));
            return StandardAnswer { status: 200, header, body: Value::Object(translated) };
        }
        (409, _) => (409, "request-running".to_owned()),
        (400, Some("idempotency_error")) => (422, "request-reused".to_owned()),
        // A refusal that gives no reason has none in this protocol either.
        (400, _) if error["param"].is_null() && error["code"].is_null() => (400, String::new()),
        (400, _) if error["param"].is_null() => (409, word("code")),
        (400, _) => (422, word("code")),
        (404, _) => (404, "unknown".to_owned()),
        (other, _) => (other, word("type")),
    };
    let mut body = json!({"reason": reason, "text": error["message"], "field": word("param")});
    if let Some(shown) = shown {
        body["charge"] = Value::Object(shown);
    }
    StandardAnswer { status, header: None, body }
}

fn reference(metadata: &Value) -> Value {
    let named = ["saga", "payment", "reservation"].into_iter();
    let named = named.filter_map(|name| {
        let id = metadata.get(format!("{name}_id"))?;
        Some((name.to_owned(), id.clone()))
    });
    Value::Object(named.collect())
}

fn time(at_s: i64) -> String {
    DateTime::from_timestamp(at_s, 0).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}

//! `/control`: for tests and demonstrations, what no real gateway has. JSON in and out, no credentials, so the
//! simulator must only listen where its users are trusted.

use super::{
    super::{
        books::{
            intent::{Ending, Intent, Status},
            news::{Delivery, DeliveryState, Event, Forgery},
            refund::{RefundDue, RefundFate, RefundRequest, RefundStatus},
            render, summary,
        },
        error_reply::ErrorReply,
        methods,
        script::{Chaos, Rule, Then},
        simulator::{Simulator, new_id, news_about, now_ms, settle},
    },
    page, reply,
    shared::Shared,
};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::Response,
    routing::{delete, get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};

pub(super) fn router() -> Router<Arc<Simulator>> {
    Router::new()
        .route("/rules", get(rules).post(add_rule).delete(clear_rules))
        .route("/rules/{id}", delete(remove_rule))
        .route("/chaos", put(set_chaos))
        .route("/books", get(books))
        .route("/intents/{id}/{verb}", post(act_on_intent))
        .route("/refunds/{id}/{status}", post(end_refund))
        .route("/events", post(forge))
        .route("/events/{id}/resend", post(resend))
        .route("/webhooks", get(webhooks))
        .route("/webhooks/release", post(release))
        .route("/authenticate/{id}", get(page::show))
        .route("/authenticate/{id}/{verb}", post(page::answer))
}

async fn rules(State(simulator): Shared) -> Response {
    answer(Ok(simulator.with_script(|script| json!({"rules": script.rules()}))))
}

async fn add_rule(State(simulator): Shared, Json(rule): Json<Rule>) -> Response {
    let added = simulator.with_script(|script| script.add(rule));
    answer(
        added
            .map(|id| json!({"id": id}))
            .map_err(|why| ErrorReply::parameter("rule", "parameter_invalid", why)),
    )
}

async fn clear_rules(State(simulator): Shared) -> Response {
    simulator.with_script(|script| script.clear());
    answer(Ok(json!({})))
}

async fn remove_rule(State(simulator): Shared, Path(id): Path<u64>) -> Response {
    let removed = simulator.with_script(|script| script.remove(id));
    answer(if removed { Ok(json!({})) } else { Err(ErrorReply::missing("rule", &id.to_string())) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChaosSettings {
    probability: f64,
    #[serde(default)]
    seed: u64,
}

async fn set_chaos(State(simulator): Shared, Json(settings): Json<ChaosSettings>) -> Response {
    simulator.with_script(|script| script.set_chaos(Chaos::new(settings.probability, settings.seed)));
    answer(Ok(json!({})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BooksQuery {
    payment_id: Option<String>,
}

async fn books(State(simulator): Shared, Query(query): Query<BooksQuery>) -> Response {
    let summary =
        simulator.read(|books| serde_json::to_string(&summary::of(books, query.payment_id.as_deref())));
    match summary {
        Ok(body) => reply::json(200, body),
        Err(_) => reply::error(&ErrorReply::server(500)),
    }
}

/// The details that some verbs take; all may be left out.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Details {
    amount: Option<i64>,
    /// `settle` or `fail` the refund later.
    then: Option<Then>,
    after_ms: u64,
    /// The new status of a dispute, for example `won` or `lost`.
    status: Option<String>,
}

async fn act_on_intent(
    State(simulator): Shared,
    Path((id, verb)): Path<(String, String)>,
    details: Option<Json<Details>>,
) -> Response {
    let Json(details) = details.unwrap_or_default();
    match verb.as_str() {
        "refund" => return answer(dashboard_refund(&simulator, id, details)),
        "again" => return answer(simulator.pay_again(&id).map(|intent| render::intent(&intent, true))),
        _ => {}
    }
    let changed = simulator.change_intent(&id, |intent| match verb.as_str() {
        "approve" => when(Status::RequiresAction, intent, Ending::Secure),
        "deny" => when(Status::RequiresAction, intent, Ending::Decline(page::denied())),
        "settle" => when(Status::Processing, intent, Ending::Secure),
        "fail" => when(Status::Processing, intent, Ending::Decline(methods::late_decline())),
        // An authorisation that nobody captured: the gateway cancels it by itself.
        "lapse" if intent.status == Status::RequiresCapture => {
            Ok((intent.cancel(Some("automatic".to_owned()))?, ()))
        }
        "lapse" => Err(intent.unexpected_state("let lapse")),
        // By hand, of all or of a part: no rule on requests meets it.
        "capture" => Ok((intent.capture(details.amount, false)?, ())),
        "dispute" => {
            let events = match &details.status {
                Some(status) => intent.change_dispute(status)?,
                None => intent.dispute(new_id("dp"), details.amount)?,
            };
            Ok((events, ()))
        }
        _ => Err(ErrorReply::unknown_path("POST", &verb)),
    });
    answer(changed.map(|(intent, ())| render::intent(&intent, true)))
}

fn when(
    status: Status,
    intent: &mut Intent,
    ending: Ending,
) -> Result<(super::super::books::intent::EventsToSend, ()), ErrorReply> {
    if intent.status != status {
        return Err(intent.unexpected_state("end"));
    }
    settle(intent, ending)
}

/// A refund that someone made in the gateway's own dashboard: without our metadata.
fn dashboard_refund(simulator: &Simulator, intent: String, details: Details) -> Result<Value, ErrorReply> {
    let due = |status| RefundDue { at_ms: now_ms() + details.after_ms as i64, status };
    let (first, later) = match details.then {
        None => (RefundStatus::Succeeded, None),
        Some(Then::Settle) => (RefundStatus::Pending, Some(due(RefundStatus::Succeeded))),
        Some(Then::Fail) => (RefundStatus::Pending, Some(due(RefundStatus::Failed))),
    };
    let request = RefundRequest {
        id: new_id("re"),
        created_s: now_ms() / 1000,
        intent,
        amount: details.amount,
        metadata: BTreeMap::new(),
        fate: RefundFate { first, later },
        lax: false,
    };
    simulator.change(|books| books.refund(request)).map(|refund| render::refund(&refund))
}

async fn end_refund(State(simulator): Shared, Path((id, status)): Path<(String, String)>) -> Response {
    let status = match status.as_str() {
        "succeed" => RefundStatus::Succeeded,
        "fail" => RefundStatus::Failed,
        "cancel" => RefundStatus::Canceled,
        other => return reply::error(&ErrorReply::unknown_path("POST", other)),
    };
    answer(simulator.change(|books| books.end_refund(&id, status)).map(|refund| render::refund(&refund)))
}

/// An event that nothing caused, rightly or wrongly signed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forged {
    /// Its type; with `intent` it carries that one's object.
    #[serde(rename = "type", default)]
    kind: String,
    intent: Option<String>,
    /// Replaces fields of the object.
    #[serde(default)]
    object: serde_json::Map<String, Value>,
    /// The event's id; a new one by default. The same id with another body is a lie of its own.
    id: Option<String>,
    /// The whole body, whatever it is, in place of an event.
    body: Option<String>,
    /// Left out = signed like every event.
    signature: Option<Forgery>,
    #[serde(default = "one")]
    copies: u32,
}

fn one() -> u32 {
    1
}

/// The most copies of a forged event.
const COPIES_MAX: u32 = 10_000;

async fn forge(State(simulator): Shared, Json(forged): Json<Forged>) -> Response {
    answer(send_forged(&simulator, forged))
}

fn send_forged(simulator: &Simulator, forged: Forged) -> Result<Value, ErrorReply> {
    if forged.copies > COPIES_MAX {
        return Err(ErrorReply::parameter("copies", "parameter_invalid", "At most 10000 copies."));
    }
    let Forged { kind, intent, object, id, body, signature, copies } = forged;
    let (shown_id, created_s) = (id.unwrap_or_else(|| new_id("evt")), now_ms() / 1000);
    let told = match &intent {
        Some(id) => simulator.read(|books| {
            let found = books.intents.get(id).ok_or_else(|| ErrorReply::missing("payment_intent", id))?;
            let mut news = news_about(&kind, found);
            if let Value::Object(fields) = &mut news.object {
                fields.extend(object.clone());
            }
            Ok(news.body(&shown_id, created_s))
        })?,
        None => {
            json!({"id": shown_id, "object": "event", "type": kind, "created": created_s, "livemode": false,
            "data": {"object": object}})
            .to_string()
        }
    };
    let due = DeliveryState::Due { at_ms: now_ms() };
    let urls = simulator.config.webhook_urls.iter();
    let deliveries = urls.flat_map(|url| {
        let delivery = Delivery { forged: signature.clone(), ..Delivery::new(url, due) };
        std::iter::repeat_n(delivery, copies as usize)
    });
    // Kept under an id of its own: what is forged can't be read back as an event.
    let kept = Event {
        id: new_id("forged"),
        created_s,
        kind: "forged".to_owned(),
        shown_id: Some(shown_id.clone()),
        body: body.unwrap_or(told),
        deliveries: deliveries.collect(),
    };
    simulator.change(|books| books.put_event(kept));
    Ok(json!({"id": shown_id}))
}

/// Every endpoint gets it once more, as a person can ask for in the dashboard.
async fn resend(State(simulator): Shared, Path(id): Path<String>) -> Response {
    let sent = simulator.change(|books| {
        let mut event = books.events.get(&id).cloned().ok_or_else(|| ErrorReply::missing("event", &id))?;
        let due = DeliveryState::Due { at_ms: now_ms() };
        event.deliveries.extend(simulator.config.webhook_urls.iter().map(|url| Delivery::new(url, due)));
        books.put_event(event);
        Ok(json!({"id": id}))
    });
    answer(sent)
}

/// Counts the deliveries by their state.
async fn webhooks(State(simulator): Shared) -> Response {
    let mut counts = BTreeMap::from([("due", 0_u64), ("held", 0), ("delivered", 0), ("given_up", 0)]);
    simulator.read(|books| {
        for delivery in books.events.oldest_first().flat_map(|event| &event.deliveries) {
            let name = match delivery.state {
                DeliveryState::Due { .. } => "due",
                DeliveryState::Held => "held",
                DeliveryState::Delivered => "delivered",
                DeliveryState::GivenUp => "given_up",
            };
            *counts.entry(name).or_default() += 1;
        }
    });
    answer(Ok(json!(counts)))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Release {
    /// The youngest first.
    reverse: bool,
}

/// Lets held webhooks go, a hundredth of a second apart so that they arrive in this order.
async fn release(State(simulator): Shared, release: Option<Json<Release>>) -> Response {
    let Json(Release { reverse }) = release.unwrap_or_default();
    let released = simulator.change(|books| {
        let is_held = |delivery: &Delivery| delivery.state == DeliveryState::Held;
        let held = books.events.oldest_first().filter(|event| event.deliveries.iter().any(is_held));
        let mut events: Vec<Event> = held.cloned().collect();
        if reverse {
            events.reverse();
        }
        let now_ms = now_ms();
        let count = events.len();
        for (place, mut event) in events.into_iter().enumerate() {
            for delivery in event.deliveries.iter_mut().filter(|delivery| is_held(delivery)) {
                delivery.state = DeliveryState::Due { at_ms: now_ms + 10 * place as i64 };
            }
            books.put_event(event);
        }
        count
    });
    answer(Ok(json!({"released": released})))
}

fn answer(result: Result<Value, ErrorReply>) -> Response {
    match result {
        Ok(value) => reply::json(200, value.to_string()),
        Err(error) => reply::error(&error),
    }
}

//! What the payment gateway tells us.

use super::booking::{Customer, intent_of};
use super::client::{Answer, Service};
use super::venue::event;
use axum::http::Method;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use steps::gateway::instant::{Act, Operation};
use steps::gateway::{IntentId, signature, standard_webhooks};

pub const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

async fn service() -> Service {
    let service = Service::with(&[("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET)]).await;
    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::Pend,
        _ => Act::Go,
    });
    service
}

pub async fn deliver(service: &Service, body: &str, header: &str) -> Answer {
    let ask = service.ask(Method::POST, "/webhooks/stripe").header("stripe-signature", header);
    ask.raw("application/json", body.to_owned()).send().await
}

pub fn signed(body: &str, at: DateTime<Utc>) -> String {
    signature::sign(body.as_bytes(), &[SECRET], at)
}

/// A reservation whose payment is processing, and the gateway's id of it.
async fn processing(ada: &Customer<'_>, seats: &[steps::SeatId]) -> (Value, Value, IntentId) {
    let reservation = ada.reserve(seats).await;
    let payment = ada.pay(&reservation).await.is(202);
    let saga: uuid::Uuid = reservation["saga_id"].as_str().unwrap().parse().unwrap();
    let intent = intent_of(ada.service, saga).await;
    (reservation, payment, intent)
}

/// The body of Stripe's event about an intent.
fn event_body(id: &str, kind: &str, intent: &IntentId, payment: &Value, amount: i64) -> String {
    let (status, capturable) = match kind {
        "amount_capturable_updated" => ("requires_capture", amount),
        "payment_failed" => ("requires_payment_method", 0),
        _ => ("processing", 0),
    };
    json!({
        "id": id, "object": "event", "type": format!("payment_intent.{kind}"), "created": Utc::now().timestamp(),
        "livemode": false, "api_version": "2024-06-20",
        "data": {"object": {
            "id": intent.as_str(), "object": "payment_intent", "status": status, "amount": amount, "currency": "eur",
            "amount_capturable": capturable, "amount_received": 0, "capture_method": "manual",
            "created": Utc::now().timestamp(), "livemode": false, "last_payment_error": null, "next_action": null,
            "latest_charge": null, "metadata": {"payment_id": payment["payment_id"]}
        }}
    })
    .to_string()
}

#[tokio::test]
async fn news_confirms_the_booking_once_however_often_it_comes() {
    let service = service().await;
    let (_, seats) = event(&service, "news", 1).await;
    let ada = Customer::new(&service).await;
    let (_, payment, intent) = processing(&ada, &seats).await;
    service.gateway.settle(&intent, true).unwrap();
    let body = event_body("evt_1", "amount_capturable_updated", &intent, &payment, 2500);
    let header = signed(&body, Utc::now());
    let deliveries = (0..20).map(|_| deliver(&service, &body, &header));
    for answer in futures_util::future::join_all(deliveries).await {
        assert_eq!(answer.is(200), json!({}));
    }
    service.until_count("it is booked", "select count(*) from booking.bookings", 1).await;
    service
        .until_count("the news is done with", "select count(*) from booking.inbox where state = 'APPLIED'", 1)
        .await;
    assert_eq!(service.count("select count(*) from booking.inbox").await, 1);
    assert_eq!(service.count("select count(*) from usher.mailbox where name = 'payment-news'").await, 1);
}

#[tokio::test]
async fn news_of_a_decline_unwinds() {
    let service = service().await;
    let (_, seats) = event(&service, "declined later", 1).await;
    let ada = Customer::new(&service).await;
    let (reservation, payment, intent) = processing(&ada, &seats).await;
    service.gateway.settle(&intent, false).unwrap();
    let body = event_body("evt_2", "payment_failed", &intent, &payment, 2500);
    deliver(&service, &body, &signed(&body, Utc::now())).await.is(200);
    service
        .until_count("it has unwound", "select count(*) from usher.sagas where state = 'unwound'", 1)
        .await;
    let path = format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap());
    assert_eq!(ada.get(&path).await.is(200)["status"], "EXPIRED");
    let body = json!({"reservation_id": reservation["reservation_id"]});
    ada.post("/bookings", body).await.problem(402, "payment-declined");
}

#[tokio::test]
async fn an_event_is_not_believed_before_the_gateway_was_asked() {
    let service = service().await;
    let (_, seats) = event(&service, "a lie", 1).await;
    let ada = Customer::new(&service).await;
    let (_, payment, intent) = processing(&ada, &seats).await;
    let body = event_body("evt_3", "amount_capturable_updated", &intent, &payment, 2500);
    deliver(&service, &body, &signed(&body, Utc::now())).await.is(200);
    service
        .until_count("the news is done with", "select count(*) from booking.inbox where state = 'APPLIED'", 1)
        .await;
    assert_eq!(service.count("select count(*) from booking.bookings").await, 0);
    assert_eq!(service.count("select count(*) from usher.mailbox where name = 'payment-news'").await, 0);
}

#[tokio::test]
async fn another_body_under_a_known_id_is_kept_apart() {
    let service = service().await;
    let (_, seats) = event(&service, "variants", 1).await;
    let ada = Customer::new(&service).await;
    let (_, payment, intent) = processing(&ada, &seats).await;
    for amount in [2500, 9999] {
        let body = event_body("evt_4", "processing", &intent, &payment, amount);
        deliver(&service, &body, &signed(&body, Utc::now())).await.is(200);
    }
    assert_eq!(service.count("select count(*) from booking.inbox").await, 1);
    assert_eq!(service.count("select count(*) from booking.inbox_variants").await, 1);
}

#[tokio::test]
async fn unknown_kinds_and_unknown_payments_are_stored_and_answered_200() {
    let service = service().await;
    let body = json!({"id": "evt_5", "object": "event", "type": "customer.created", "created": 1_700_000_000,
                      "livemode": false, "data": {"object": {"id": "cus_1"}}})
    .to_string();
    deliver(&service, &body, &signed(&body, Utc::now())).await.is(200);
    let stranger = json!({"payment_id": null});
    let intent = IntentId::new("pi_of_nobody");
    let body = event_body("evt_6", "amount_capturable_updated", &intent, &stranger, 100);
    let body = body.replace("\"payment_id\":null", "\"order\":\"7\"");
    deliver(&service, &body, &signed(&body, Utc::now())).await.is(200);
    assert_eq!(service.count("select count(*) from booking.inbox where state = 'IGNORED'").await, 1);
    assert_eq!(service.count("select count(*) from booking.inbox where state = 'UNMATCHED'").await, 1);
}

#[tokio::test]
async fn a_signed_body_that_can_not_be_read_is_kept_for_a_person_and_not_asked_for_again() {
    let service = service().await;
    let doubled = r#"{"id":"evt_1","id":"evt_2","type":"customer.created","created":1,"data":{"object":{}}}"#;
    for body in [doubled, doubled, "[]", "no JSON"] {
        deliver(&service, body, &signed(body, Utc::now())).await.is(200);
    }
    let unreadable = "select count(*) from booking.inbox where state = 'UNMATCHED' and kind = 'unreadable'";
    assert_eq!(service.count(unreadable).await, 3);
}

#[tokio::test]
async fn a_bad_signature_is_refused_without_a_word() {
    let service = service().await;
    let body = r#"{"id":"evt_7","type":"payment_intent.succeeded"}"#;
    let now = Utc::now();
    let foreign = signature::sign(body.as_bytes(), &["whsec_other"], now);
    let (old, future) =
        (signed(body, now - TimeDelta::seconds(301)), signed(body, now + TimeDelta::seconds(330)));
    let other_body = signed("{}", now);
    let mut details = std::collections::HashSet::new();
    for header in ["", "t=1,v1=00", &foreign, &old, &future, &other_body] {
        let problem = deliver(&service, body, header).await.problem(400, "signature-invalid");
        details.insert(problem["detail"].to_string());
    }
    assert_eq!(details.len(), 1);
    assert_eq!(service.count("select count(*) from booking.inbox").await, 0);
    let ask = service.ask(Method::POST, "/webhooks/paypal").header("stripe-signature", &signed(body, now));
    ask.raw("application/json", body).send().await.problem(404, "not-found");
    let large = "x".repeat(256 * 1024 + 1);
    deliver(&service, &large, &signed(&large, now)).await.problem(413, "payload-too-large");
}

#[tokio::test]
async fn standard_webhooks_are_another_way_in_and_each_gateway_has_its_own() {
    let variables = [("USHER_GATEWAY_WEBHOOK_SECRETS", SECRET), ("USHER_GATEWAY_KIND", "standard")];
    let service = Service::with(&variables).await;
    let body = json!({"type": "customer.moved", "at": "2026-01-02T03:04:05Z", "mode": "test"}).to_string();
    let now = Utc::now();
    let send = async |path: &str, id: &str, at: DateTime<Utc>| {
        let header = standard_webhooks::sign(id, body.as_bytes(), SECRET, at).unwrap();
        let ask = service.ask(Method::POST, path).header("webhook-id", id);
        let ask = ask.header("webhook-timestamp", &at.timestamp().to_string());
        ask.header("webhook-signature", &header).raw("application/json", body.clone()).send().await
    };
    for _ in 0..2 {
        send("/webhooks/standard", "msg_1", now).await.is(200);
    }
    assert_eq!(service.count("select count(*) from booking.inbox where event_id = 'msg_1'").await, 1);
    for wrong in [now - TimeDelta::seconds(301), now + TimeDelta::seconds(330)] {
        send("/webhooks/standard", "msg_2", wrong).await.problem(400, "signature-invalid");
    }
    let stripes =
        service.ask(Method::POST, "/webhooks/standard").header("stripe-signature", &signed(&body, now));
    stripes.raw("application/json", body.clone()).send().await.problem(400, "signature-invalid");
    send("/webhooks/stripe", "msg_3", now).await.problem(404, "not-found");
}

#[tokio::test]
async fn without_the_database_the_sender_is_asked_to_come_again() {
    let service = service().await;
    let body = json!({"id": "evt_9", "object": "event", "type": "customer.created", "created": 1_700_000_000,
                      "livemode": false, "data": {"object": {"id": "cus_1"}}})
    .to_string();
    service.app.service.pool.close().await;
    let answer = deliver(&service, &body, &signed(&body, Utc::now())).await;
    answer.problem(503, "inbox-unavailable");
    assert_eq!(answer.header("retry-after"), "5");
}

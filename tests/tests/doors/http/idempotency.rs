//! A POST that is repeated does nothing twice.

use super::booking::Customer;
use super::client::{Answer, Service};
use super::venue::event;
use axum::http::Method;
use serde_json::{Value, json};
use std::collections::HashSet;

async fn post(customer: &Customer<'_>, key: &str, body: &Value) -> Answer {
    let ask = customer.service.ask(Method::POST, "/reservations").token(&customer.token);
    ask.header("idempotency-key", key).json(body).send().await
}

#[tokio::test]
async fn a_key_is_required_and_has_a_shape() {
    let service = Service::start().await;
    let (token, _) = service.customer("Ada").await;
    for path in ["/reservations", "/payments", "/bookings"] {
        let without = service.ask(Method::POST, path).token(&token).json(&json!({})).send().await;
        without.problem(400, "idempotency-key-missing");
        let long = "k".repeat(256);
        for key in ["", "two words", "\"open", &long] {
            let ask = service.ask(Method::POST, path).token(&token).header("idempotency-key", key);
            ask.json(&json!({})).send().await.problem(400, "idempotency-key-invalid");
        }
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "again", 2).await;
    let ada = Customer::new(&service).await;
    let body = json!({"seat_id": seats[0]});
    let first = post(&ada, "\"the key\"".replace(' ', "-").as_str(), &body).await;
    first.is(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    let second = post(&ada, "the-key", &body).await;
    assert_eq!((second.status, &second.text), (first.status, &first.text));
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(second.header("idempotent-replayed"), "true");

    post(&ada, "the-key", &json!({"seat_id": seats[1]})).await.problem(422, "idempotency-key-reused");
    let ask = service.ask(Method::POST, "/bookings").token(&ada.token).header("idempotency-key", "the-key");
    let other = json!({"reservation_id": first.json()["reservation_id"]});
    ask.json(&other).send().await.problem(422, "idempotency-key-reused");
    let bob = Customer::new(&service).await;
    post(&bob, "the-key", &json!({"seat_id": seats[1]})).await.is(201);
    assert_eq!(service.count("select count(*) from usher.sagas").await, 2);
}

#[tokio::test]
async fn one_key_fifty_times_at_once_is_one_saga() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "fifty", 1).await;
    let ada = Customer::new(&service).await;
    let body = json!({"seat_id": seats[0]});
    let answers = futures_util::future::join_all((0..50).map(|_| post(&ada, "one-key", &body))).await;
    let mut made = HashSet::new();
    for answer in &answers {
        match answer.status.as_u16() {
            201 => drop(made.insert(answer.text.clone())),
            _ => {
                answer.problem(409, "idempotency-key-in-progress");
                assert_eq!(answer.header("retry-after"), "1");
            }
        }
    }
    assert_eq!(made.len(), 1);
    assert_eq!(service.count("select count(*) from usher.sagas").await, 1);
    assert_eq!(service.count("select count(*) from booking.reservations").await, 1);
}

#[tokio::test]
async fn a_refusal_without_effect_leaves_the_key_free() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "free again", 1).await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    let held = ada.reserve(&seats).await;
    let body = json!({"seat_id": seats[0]});
    post(&bob, "bobs-key", &body).await.problem(409, "seat-unavailable");
    ada.delete(&format!("/reservations/{}", held["reservation_id"].as_str().unwrap())).await;
    let free = "select count(*) from booking.seats where status = 'AVAILABLE'";
    service.until_count("the seat is free", free, 1).await;
    service
        .until_count("the saga is over", "select count(*) from usher.sagas where state = 'unwound'", 1)
        .await;
    post(&bob, "bobs-key", &body).await.is(201);
}

#[tokio::test]
async fn a_claim_that_a_crash_left_is_completed_under_its_id() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "crash", 1).await;
    let ada = Customer::new(&service).await;
    let body = json!({"seat_id": seats[0]});
    let made = post(&ada, "the-key", &body).await.is(201);
    // As if the node had died after the effect and before the answer was stored.
    let crash =
        "update booking.idempotency_keys set state = 'CLAIMED', claimed_until = now() + interval '1 minute',
                        status = null, location = null, body = null";
    sqlx::query(crash).execute(&service.pool).await.unwrap();
    post(&ada, "the-key", &body).await.problem(409, "idempotency-key-in-progress");
    sqlx::query("update booking.idempotency_keys set claimed_until = now()")
        .execute(&service.pool)
        .await
        .unwrap();
    let completed = post(&ada, "the-key", &body).await;
    assert_eq!(completed.is(201)["reservation_id"], made["reservation_id"]);
    assert_eq!(completed.header("idempotent-replayed"), "");
    assert_eq!(service.count("select count(*) from usher.sagas").await, 1);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "yesterday", 2).await;
    let ada = Customer::new(&service).await;
    post(&ada, "the-key", &json!({"seat_id": seats[0]})).await.is(201);
    let age = "update booking.idempotency_keys set created_at = now() - interval '24 hours'";
    sqlx::query(age).execute(&service.pool).await.unwrap();
    post(&ada, "the-key", &json!({"seat_id": seats[1]})).await.is(201);
    assert_eq!(service.count("select count(*) from usher.sagas").await, 2);
}

#[tokio::test]
async fn a_payment_ordered_twice_under_one_key_is_one_payment() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "pay once", 1).await;
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats).await;
    let body = json!({"reservation_id": reservation["reservation_id"], "method": "pm_card_visa"});
    let pay = async || {
        let ask = service.ask(Method::POST, "/payments").token(&ada.token).header("idempotency-key", "pay");
        ask.json(&body).send().await
    };
    let first = pay().await;
    first.is(202);
    let second = pay().await;
    assert_eq!((second.is(202), second.header("idempotent-replayed")), (first.json(), "true"));
    assert_eq!(second.header("retry-after"), "1");
    let crash = "update booking.idempotency_keys set state = 'CLAIMED', claimed_until = now(), status = null,
                        location = null, body = null where key = 'pay'";
    sqlx::query(crash).execute(&service.pool).await.unwrap();
    assert_eq!(pay().await.is(202)["payment_id"], first.json()["payment_id"]);
    assert_eq!(service.count("select count(*) from booking.payments").await, 1);
}

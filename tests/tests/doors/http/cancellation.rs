//! `POST /bookings/{id}/cancellation`: who may, how often, and what is answered.

use super::booking::Customer;
use super::client::{Answer, Service};
use super::venue::event;
use axum::http::Method;
use serde_json::{Value, json};

/// A booking whose money is captured: its path.
async fn booked(service: &Service, ada: &Customer<'_>, name: &str) -> String {
    let (_, seats) = event(service, name, 1).await;
    sqlx::query("update booking.events set starts_at = now() + interval '1 day'")
        .execute(&service.pool)
        .await
        .unwrap();
    let reservation = ada.reserve(&seats).await;
    ada.pay(&reservation).await.is(202);
    let captured = "select count(*) from booking.payments where money = 'CAPTURED'";
    service.until_count("the money is taken", captured, 1).await;
    let booking =
        ada.post("/bookings", json!({"reservation_id": reservation["reservation_id"]})).await.is(200);
    format!("/bookings/{}", booking["booking_id"].as_str().unwrap())
}

async fn cancel(ada: &Customer<'_>, booking: &str, key: &str, body: &Value) -> Answer {
    let ask = ada.service.ask(Method::POST, &format!("{booking}/cancellation")).token(&ada.token);
    ask.header("idempotency-key", key).json(body).send().await
}

#[tokio::test]
async fn a_booking_is_given_back_once_under_one_key() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let booking = booked(&service, &ada, "given back").await;
    let first = cancel(&ada, &booking, "once", &json!({"reason": "ill"})).await;
    assert_eq!(first.is(202)["status"], "CANCELLED");
    assert_eq!((first.header("location"), first.header("retry-after")), (booking.as_str(), "1"));
    let again = cancel(&ada, &booking, "once", &json!({"reason": "ill"})).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("idempotent-replayed"), "true");
    cancel(&ada, &booking, "once", &json!({})).await.problem(422, "idempotency-key-reused");
    cancel(&ada, &booking, "twice", &json!({})).await.problem(409, "cancellation-closed");
    service
        .until_count("the seat is free", "select count(*) from booking.seats where status = 'AVAILABLE'", 1)
        .await;
    let read = ada.get(&booking).await.is(200);
    assert_eq!(read["refund"]["refunded"], json!({"amount": 2500, "currency": "EUR"}));
    assert_eq!(service.count("select count(*) from usher.sagas where workflow = 'cancellation'").await, 1);
}

#[tokio::test]
async fn who_waits_hears_that_the_money_is_on_its_way() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let booking = booked(&service, &ada, "waited for").await;
    let answer = ada.post_waiting(&format!("{booking}/cancellation"), json!({})).await;
    assert_eq!(answer.is(200)["refund"]["refunded"]["amount"], 2500);
    assert_eq!(answer.header("preference-applied"), "wait=10");
}

#[tokio::test]
async fn nobody_gives_back_what_is_somebody_elses() {
    let service = Service::start().await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    let booking = booked(&service, &ada, "hers").await;
    cancel(&bob, &booking, "his", &json!({})).await.problem(404, "not-found");
    let nobody = format!("/bookings/{}", uuid::Uuid::now_v7());
    cancel(&bob, &nobody, "nobody's", &json!({})).await.problem(404, "not-found");
    assert_eq!(ada.get(&booking).await.is(200)["status"], "CONFIRMED");
}

#[tokio::test]
async fn what_is_said_about_a_cancellation_is_checked() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let booking = booked(&service, &ada, "checked").await;
    let long = cancel(&ada, &booking, "long", &json!({"reason": "x".repeat(501)})).await;
    assert_eq!(long.problem(422, "validation")["errors"][0]["pointer"], "/reason");
    let odd = cancel(&ada, &booking, "odd", &json!({"refund": 1})).await;
    assert_eq!(odd.problem(422, "validation")["errors"][0]["pointer"], "/refund");
}

#[tokio::test]
async fn after_the_event_has_begun_it_is_closed_and_the_key_is_free_again() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let booking = booked(&service, &ada, "begun").await;
    let begins = async |when: &'static str| sqlx::query(when).execute(&service.pool).await.unwrap();
    begins("update booking.events set starts_at = now() - interval '1 minute'").await;
    cancel(&ada, &booking, "key", &json!({})).await.problem(409, "cancellation-closed");
    assert_eq!(service.count("select count(*) from usher.sagas where workflow = 'cancellation'").await, 0);
    begins("update booking.events set starts_at = now() + interval '1 day'").await;
    cancel(&ada, &booking, "key", &json!({})).await.is(202);
}

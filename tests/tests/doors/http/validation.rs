//! Bodies that nobody should have sent.

use super::booking::Customer;
use super::client::Service;
use super::venue::event;
use axum::http::Method;
use serde_json::{Value, json};

/// Posts to `/reservations` and gives the pointers that the answer complains of.
async fn pointers(customer: &Customer<'_>, body: Value) -> Vec<String> {
    let problem = customer.post("/reservations", body).await.problem(422, "validation");
    problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap().into())
        .collect()
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let service = Service::start().await;
    let (id, seats) = event(&service, "wrong fields", 4).await;
    let (_, elsewhere) = event(&service, "elsewhere", 1).await;
    let ada = Customer::new(&service).await;
    assert_eq!(pointers(&ada, json!({})).await, ["/event_id", "/seat_ids"]);
    assert_eq!(pointers(&ada, json!({"seat_id": 7, "colour": "red"})).await, ["/seat_id", "/colour"]);
    assert_eq!(pointers(&ada, json!({"seat_id": seats[0], "event_id": id})).await, ["/event_id"]);
    let wrong = json!({"event_id": id, "seat_ids": [seats[0], "x", 3]});
    assert_eq!(pointers(&ada, wrong).await, ["/seat_ids/1", "/seat_ids/2"]);
    let doubled = json!({"event_id": id, "seat_ids": [seats[0], seats[0]]});
    assert_eq!(pointers(&ada, doubled).await, ["/seat_ids/1"]);
    let foreign = json!({"event_id": id, "seat_ids": [seats[0], elsewhere[0]]});
    assert_eq!(pointers(&ada, foreign).await, ["/seat_ids/1"]);
    assert_eq!(pointers(&ada, json!({"seat_id": uuid::Uuid::now_v7()})).await, ["/seat_id"]);
    let many: Vec<uuid::Uuid> = (0..11).map(|_| uuid::Uuid::now_v7()).collect();
    assert_eq!(pointers(&ada, json!({"event_id": id, "seat_ids": many})).await, ["/seat_ids"]);
    assert_eq!(pointers(&ada, json!({"event_id": id, "seat_ids": []})).await, ["/seat_ids"]);
    assert_eq!(pointers(&ada, json!({"seat_id": "a\u{0}b"})).await, ["/seat_id", "/seat_id"]);
    assert_eq!(service.count("select count(*) from booking.idempotency_keys").await, 0);
}

#[tokio::test]
async fn an_event_may_allow_fewer_seats() {
    let service = Service::start().await;
    let (id, seats) = event(&service, "two at most", 8).await;
    let limit = sqlx::query("update booking.events set seats_max = 2 where id = $1");
    limit.bind(id).execute(&service.pool).await.unwrap();
    let ada = Customer::new(&service).await;
    let wanted = [seats[3], seats[4], seats[5]];
    assert_eq!(pointers(&ada, json!({"event_id": id, "seat_ids": wanted})).await, ["/seat_ids"]);
}

#[tokio::test]
async fn what_is_not_json_is_refused_by_its_kind() {
    let service = Service::start().await;
    let (token, _) = service.customer("Ada").await;
    let post = async |kind: &str, body: String| {
        let ask = service.ask(Method::POST, "/reservations").token(&token).header("idempotency-key", "k");
        ask.raw(kind, body).send().await
    };
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1"] {
        post(kind, "{}".into()).await.problem(415, "unsupported-media-type");
    }
    for body in ["", "{", "{\"seat_id\": }", "{} {}"] {
        post("application/json", body.into()).await.problem(400, "malformed-request");
    }
    post("application/json; charset=UTF-8", "[]".into()).await.problem(422, "validation");
    let large = format!("{{\"seat_id\": \"{}\"}}", "x".repeat(64 * 1024));
    post("application/json", large).await.problem(413, "payload-too-large");
}

//! Who may do what, and sees what.

use super::booking::Customer;
use super::client::Service;
use super::venue::event;
use api::http::auth::{Role, issue};
use axum::http::Method;
use serde_json::json;

#[tokio::test]
async fn without_a_valid_token_nothing_is_told() {
    let service = Service::start().await;
    let path = "/reservations/01890a5d-ac96-774b-bcce-b302099a8057";
    let without = service.get(path).send().await;
    without.problem(401, "unauthenticated");
    assert!(without.header("www-authenticate").starts_with("Bearer"));
    for token in ["nonsense", "usr_", "usr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        service.get(path).token(token).send().await.problem(401, "unauthenticated");
    }
    let body = json!({"nothing": true});
    let post =
        service.ask(Method::POST, "/reservations").header("idempotency-key", "k").json(&body).send().await;
    post.problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_revoked_or_expired_token_is_no_token() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let path = "/bookings/01890a5d-ac96-774b-bcce-b302099a8057";
    sqlx::query("update booking.tokens set expires_at = now()").execute(&service.pool).await.unwrap();
    ada.get(path).await.problem(401, "unauthenticated");
    let bob = Customer::new(&service).await;
    sqlx::query("update booking.tokens set revoked_at = now()").execute(&service.pool).await.unwrap();
    bob.get(path).await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn the_token_itself_is_nowhere_in_the_database() {
    let service = Service::start().await;
    let (token, _) = service.customer("Ada").await;
    let found: i64 =
        sqlx::query_scalar("select count(*) from booking.tokens t where t::text like '%' || $1 || '%'")
            .bind(&token[4..])
            .fetch_one(&service.pool)
            .await
            .unwrap();
    assert_eq!(found, 0);
}

#[tokio::test]
async fn what_is_anothers_is_not_found() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "mine", 1).await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    let reservation = ada.reserve(&seats).await;
    let payment = ada.pay(&reservation).await.is(202);
    let booking = ada.post_waiting("/bookings", json!({"payment_id": payment["payment_id"]})).await.json();
    let paths = [
        format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap()),
        format!("/payments/{}", payment["payment_id"].as_str().unwrap()),
        format!("/bookings/{}", booking["booking_id"].as_str().unwrap()),
    ];
    for path in &paths {
        bob.get(path).await.problem(404, "not-found");
        ada.get(path).await.is(200);
        for role in [Role::Service, Role::Operator, Role::Auditor] {
            let token = issue(&service.pool, role, "somebody", None).await.unwrap();
            service.get(path).token(token.expose()).send().await.is(200);
        }
    }
    bob.delete(&paths[0]).await.problem(404, "not-found");
}

#[tokio::test]
async fn only_customers_and_services_book_and_a_service_says_for_whom() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "box office", 2).await;
    let (_, user) = service.customer("Ada").await;
    let post = async |token: &str, body: serde_json::Value| {
        let key = uuid::Uuid::now_v7().to_string();
        service
            .ask(Method::POST, "/reservations")
            .token(token)
            .header("idempotency-key", &key)
            .json(&body)
            .send()
            .await
    };
    for role in [Role::Operator, Role::Auditor] {
        let token = issue(&service.pool, role, "somebody", None).await.unwrap();
        post(token.expose(), json!({"seat_id": seats[0]})).await.problem(403, "forbidden");
    }
    let office = issue(&service.pool, Role::Service, "box-office", None).await.unwrap();
    let office = office.expose();
    let nobody = uuid::Uuid::now_v7();
    for body in [json!({"seat_id": seats[0]}), json!({"seat_id": seats[0], "user_id": nobody})] {
        let problem = post(office, body).await.problem(422, "validation");
        assert_eq!(problem["errors"][0]["pointer"], "/user_id");
    }
    let made = post(office, json!({"seat_id": seats[0], "user_id": user})).await.is(201);
    assert_eq!(made["user_id"], user.to_string());
    let (ada, _) = service.customer("Ada").await;
    let problem = post(&ada, json!({"seat_id": seats[1], "user_id": user})).await.problem(422, "validation");
    assert_eq!(problem["errors"][0]["pointer"], "/user_id");
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let service = Service::with(&[("USHER_HTTP_QUOTA_PER_S", "1"), ("USHER_HTTP_QUOTA_BURST", "2")]).await;
    let ada = Customer::new(&service).await;
    let path = "/bookings/01890a5d-ac96-774b-bcce-b302099a8057";
    for _ in 0..2 {
        ada.get(path).await.problem(404, "not-found");
    }
    let answer = ada.get(path).await;
    answer.problem(429, "quota-exceeded");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("ratelimit-policy"), "\"customer\";q=2;w=2");
    assert!(answer.header("ratelimit").starts_with("\"customer\";r=0;t="));
    Customer::new(&service).await.get(path).await.problem(404, "not-found");
}

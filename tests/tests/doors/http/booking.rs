//! From a seat to a booking, as a customer meets it.

use super::client::{Answer, Service};
use super::venue::event;
use axum::http::Method;
use serde_json::{Value, json};
use steps::gateway::Gateway;
use steps::gateway::instant::{Act, Instant, Operation};
use steps::gateway::stripe::{Stripe, StripeConfig};
use steps::{ReservationId, SeatId};

/// A customer whose requests each have an idempotency key of their own.
pub struct Customer<'a> {
    pub service: &'a Service,
    pub token: String,
    pub user: String,
}

impl<'a> Customer<'a> {
    pub async fn new(service: &'a Service) -> Self {
        let (token, user) = service.customer("Ada").await;
        Self { service, token, user: user.to_string() }
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let key = uuid::Uuid::now_v7().to_string();
        self.service
            .ask(Method::POST, path)
            .token(&self.token)
            .header("idempotency-key", &key)
            .json(&body)
            .send()
            .await
    }

    pub async fn post_waiting(&self, path: &str, body: Value) -> Answer {
        let key = uuid::Uuid::now_v7().to_string();
        let ask = self.service.ask(Method::POST, path).token(&self.token).header("idempotency-key", &key);
        ask.header("prefer", "wait=10").json(&body).send().await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.service.get(path).token(&self.token).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.service.ask(Method::DELETE, path).token(&self.token).send().await
    }

    /// Reserves seats and gives the reservation.
    pub async fn reserve(&self, seats: &[SeatId]) -> Value {
        let body = match seats {
            [one] => json!({"seat_id": one}),
            many => json!({"event_id": event_of(self.service, many[0]).await, "seat_ids": many}),
        };
        self.post("/reservations", body).await.is(201)
    }

    /// Orders a payment for it.
    pub async fn pay(&self, reservation: &Value) -> Answer {
        self.post(
            "/payments",
            json!({"reservation_id": reservation["reservation_id"], "method": "pm_card_visa"}),
        )
        .await
    }
}

async fn event_of(service: &Service, seat: SeatId) -> uuid::Uuid {
    let event = sqlx::query_scalar("select event_id from booking.seats where id = $1");
    event.bind(seat).fetch_one(&service.pool).await.unwrap()
}

#[tokio::test]
async fn seats_are_reserved_paid_for_and_booked() {
    let service = Service::start().await;
    let (id, seats) = event(&service, "a show", 8).await;
    let ada = Customer::new(&service).await;

    let answer = ada.post("/reservations", json!({"event_id": id, "seat_ids": [seats[0], seats[1]]})).await;
    let reservation = answer.is(201);
    let reservation_id = reservation["reservation_id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/reservations/{reservation_id}"));
    assert_eq!(reservation["status"], "PENDING");
    assert_eq!(reservation["user_id"], ada.user);
    assert_eq!(reservation["amount"], json!({"amount": 5000, "currency": "EUR"}));
    assert_eq!(reservation["seats"].as_array().unwrap().len(), 2);
    let left = reservation["expires_in_ms"].as_i64().unwrap();
    assert!((290_000..=300_000).contains(&left), "{left}");

    let read = ada.get(&format!("/reservations/{reservation_id}")).await;
    assert_eq!(read.is(200)["status"], "PENDING");
    assert_eq!(read.header("retry-after"), "1");

    let payment = ada.pay(&reservation).await;
    assert_eq!(payment.is(202)["status"], "SUCCESS");
    let payment_id = payment.json()["payment_id"].as_str().unwrap().to_owned();
    assert_eq!(payment.header("location"), format!("/payments/{payment_id}"));

    let booking = ada.post_waiting("/bookings", json!({"payment_id": payment_id})).await;
    assert!([200, 201].contains(&booking.status.as_u16()), "{booking:?}");
    let booking_id = booking.json()["booking_id"].as_str().unwrap().to_owned();
    assert_eq!(booking.header("location"), format!("/bookings/{booking_id}"));
    let again = ada.post("/bookings", json!({"reservation_id": reservation_id})).await;
    assert_eq!(again.is(200)["booking_id"], booking_id);

    let read = ada.get(&format!("/bookings/{booking_id}")).await;
    assert_eq!(read.is(200)["status"], "CONFIRMED");
    let tag = read.header("etag").to_owned();
    let cached =
        service.get(&format!("/bookings/{booking_id}")).token(&ada.token).header("if-none-match", &tag);
    cached.send().await.is(304);
    let reservation = ada.get(&format!("/reservations/{reservation_id}")).await;
    assert_eq!(reservation.is(200)["booking_id"], booking_id);
    assert_eq!(reservation.header("retry-after"), "");
    assert_eq!(ada.get(&format!("/payments/{payment_id}")).await.is(200)["status"], "SUCCESS");

    service
        .until_count(
            "the money is taken",
            "select count(*) from booking.payments where money = 'CAPTURED'",
            1,
        )
        .await;
    service.leave().await;
}

#[tokio::test]
async fn a_taken_seat_names_itself_and_nothing_is_held() {
    let service = Service::start().await;
    let (id, seats) = event(&service, "a full house", 4).await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    let held = ada.reserve(&seats[..1]).await;

    let lost = bob.post("/reservations", json!({"event_id": id, "seat_ids": [seats[0], seats[1]]})).await;
    let problem = lost.problem(409, "seat-unavailable");
    assert_eq!(problem["seats"], json!([{"seat_id": seats[0], "reason": "held"}]));
    let blocked =
        bob.post("/reservations", json!({"seat_id": seats[2]})).await.problem(409, "seat-unavailable");
    assert_eq!(blocked["seats"], json!([{"seat_id": seats[2], "reason": "blocked"}]));

    ada.pay(&held).await.is(202);
    // The answer is `held` until the saga has released the seat's lock.
    service
        .until_count("the saga is over", "select count(*) from usher.sagas where state = 'completed'", 1)
        .await;
    let sold = bob.post("/reservations", json!({"seat_id": seats[0]})).await.problem(409, "seat-unavailable");
    assert_eq!(sold["seats"][0]["reason"], "sold");
    assert_eq!(service.count("select count(*) from booking.reservations").await, 1);
    assert_eq!(service.count("select count(*) from usher.sagas").await, 1);
}

#[tokio::test]
async fn losers_stop_at_the_lock_and_do_not_touch_the_sagas() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "a rush", 1).await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    ada.reserve(&seats).await;
    service
        .until_count("the seat is locked", "select count(*) from usher.sagas where state = 'waiting'", 1)
        .await;
    let before = service.count("select count(*) from booking.idempotency_keys").await;
    sqlx::query("alter table usher.sagas rename to sagas_away").execute(&service.pool).await.unwrap();
    bob.post("/reservations", json!({"seat_id": seats[0]})).await.problem(409, "seat-unavailable");
    sqlx::query("alter table usher.sagas_away rename to sagas").execute(&service.pool).await.unwrap();
    assert_eq!(service.count("select count(*) from booking.idempotency_keys").await, before);
}

#[tokio::test]
async fn without_redis_the_database_alone_decides() {
    let service = Service::with(&[("USHER_REDIS_URL", "redis://127.0.0.1:1/")]).await;
    let (_, seats) = event(&service, "no redis", 1).await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    let reservation = ada.reserve(&seats).await;
    bob.post("/reservations", json!({"seat_id": seats[0]})).await.problem(409, "seat-unavailable");
    ada.pay(&reservation).await.is(202);
    service.until_count("it is booked", "select count(*) from booking.bookings", 1).await;
}

#[tokio::test]
async fn a_closed_sale_sells_nothing() {
    let service = Service::start().await;
    let (id, seats) = event(&service, "closed", 1).await;
    sqlx::query("update booking.events set sale = 'CLOSED' where id = $1")
        .bind(id)
        .execute(&service.pool)
        .await
        .unwrap();
    let ada = Customer::new(&service).await;
    ada.post("/reservations", json!({"seat_id": seats[0]})).await.problem(409, "sale-closed");
}

#[tokio::test]
async fn a_customer_gives_seats_back_until_they_are_paid_for() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "second thoughts", 2).await;
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats[..1]).await;
    let path = format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap());

    let other =
        service.ask(Method::DELETE, &path).token(&ada.token).header("if-match", "\"another\"").send().await;
    other.problem(412, "precondition-failed");
    let first = ada.delete(&path).await;
    assert!([202, 204].contains(&first.status.as_u16()), "{first:?}");
    service
        .until_count("the seat is free", "select count(*) from booking.seats where status = 'AVAILABLE'", 2)
        .await;
    ada.delete(&path).await.is(204);
    assert_eq!(ada.get(&path).await.is(200)["status"], "CANCELLED");
    let problem = ada.post("/bookings", json!({"reservation_id": reservation["reservation_id"]})).await;
    assert_eq!(problem.problem(409, "invalid-state")["state"], "CANCELLED");

    let paid = ada.reserve(&seats[1..]).await;
    ada.pay(&paid).await.is(202);
    service.until_count("it is booked", "select count(*) from booking.bookings", 1).await;
    let path = format!("/reservations/{}", paid["reservation_id"].as_str().unwrap());
    let problem = ada.delete(&path).await.problem(409, "invalid-state");
    assert_eq!((&problem["state"], &problem["allowed"]), (&json!("CONFIRMED"), &json!(["PENDING"])));
}

#[tokio::test]
async fn what_has_expired_is_read_and_not_acted_on() {
    let service = Service::start().await;
    let (id, seats) = event(&service, "too late", 1).await;
    sqlx::query("update booking.events set hold_ms = 300 where id = $1")
        .bind(id)
        .execute(&service.pool)
        .await
        .unwrap();
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats).await;
    service
        .until_count(
            "the time is up",
            "select count(*) from booking.reservations where status = 'EXPIRED'",
            1,
        )
        .await;
    let path = format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap());
    let read = ada.get(&path).await.is(200);
    assert_eq!((&read["status"], &read["expires_in_ms"]), (&json!("EXPIRED"), &json!(0)));
    ada.pay(&reservation).await.problem(410, "reservation-expired");
    ada.delete(&path).await.problem(410, "reservation-expired");
    let body = json!({"reservation_id": reservation["reservation_id"]});
    ada.post("/bookings", body).await.problem(410, "reservation-expired");
}

#[tokio::test]
async fn a_decline_is_402_only_to_those_who_wait() {
    let service = Service::start().await;
    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::Decline,
        _ => Act::Go,
    });
    let (_, seats) = event(&service, "declined", 2).await;
    let ada = Customer::new(&service).await;
    let first = ada.reserve(&seats[..1]).await;
    let payment = ada.pay(&first).await.is(202);
    let read = ada.get(&format!("/payments/{}", payment["payment_id"].as_str().unwrap())).await.is(200);
    assert_eq!(read["status"], "FAILED");
    let problem = ada.post_waiting("/bookings", json!({"payment_id": payment["payment_id"]})).await;
    problem.problem(402, "payment-declined");

    let second = ada.reserve(&seats[1..]).await;
    let body = json!({"reservation_id": second["reservation_id"], "method": "pm_card_visa"});
    ada.post_waiting("/payments", body).await.problem(402, "payment-declined");
}

#[tokio::test]
async fn a_payment_is_refused_that_makes_no_sense() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "senseless", 1).await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    let reservation = ada.reserve(&seats).await;
    let id = &reservation["reservation_id"];
    bob.pay(&reservation).await.problem(422, "reservation-unknown");
    ada.post("/bookings", json!({"reservation_id": id})).await.problem(402, "payment-required");
    let wrong =
        json!({"reservation_id": id, "method": "pm_card", "amount": {"amount": 1, "currency": "EUR"}});
    ada.post("/payments", wrong).await.problem(422, "amount-mismatch");
    let foreign =
        json!({"reservation_id": id, "method": "pm_card", "amount": {"amount": 2500, "currency": "USD"}});
    ada.post("/payments", foreign).await.problem(422, "amount-mismatch");
    let card = json!({"reservation_id": id, "method": "4242 4242 4242 4242"});
    let problem = ada.post("/payments", card).await.problem(422, "validation");
    assert_eq!(problem["errors"][0]["pointer"], "/method");

    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::Pend,
        _ => Act::Go,
    });
    let right =
        json!({"reservation_id": id, "method": "pm_card", "amount": {"amount": 2500, "currency": "EUR"}});
    ada.post("/payments", right.clone()).await.is(202);
    ada.post("/payments", right).await.problem(409, "payment-in-progress");
}

#[tokio::test]
async fn a_pending_payment_is_asked_for_when_the_customer_looks() {
    let service = Service::start().await;
    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::RequireAction,
        _ => Act::Go,
    });
    let (_, seats) = event(&service, "news is late", 1).await;
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats).await;
    let payment = ada.pay(&reservation).await.is(202);
    assert_eq!(payment["status"], "INITIATED");
    assert!(payment["next_action"].is_object(), "{payment}");
    let read = ada.get(&format!("/payments/{}", payment["payment_id"].as_str().unwrap())).await;
    assert!(read.is(200)["next_action"].is_object());
    assert_eq!(read.header("retry-after"), "1");

    let body = json!({"payment_id": payment["payment_id"]});
    let waiting = ada.post("/bookings", body.clone()).await;
    assert_eq!(waiting.is(202)["payment_id"], payment["payment_id"]);
    let location = format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap());
    assert_eq!(waiting.header("location"), location);

    let saga: ReservationId = reservation["saga_id"].as_str().unwrap().parse().unwrap();
    let intent = intent_of(&service, saga.uuid()).await;
    service.gateway.settle(&intent, true).unwrap();
    let booked = ada.post_waiting("/bookings", body).await;
    assert_eq!(booked.is(201)["payment_id"], payment["payment_id"]);
    assert_eq!(booked.header("preference-applied"), "wait=10");
    let inbox = "select count(*) from booking.inbox where state = 'APPLIED' and event_id like 'asked:%'";
    assert_eq!(service.count(inbox).await, 1);
}

/// The gateway's id of a saga's payment.
pub async fn intent_of(service: &Service, saga: uuid::Uuid) -> steps::gateway::IntentId {
    let trace = steps::gateway::Trace { saga_id: Some(saga), ..Default::default() };
    service.app.service.gateway.find(&trace).await.unwrap().remove(0).id
}

#[tokio::test]
async fn while_the_gateway_is_down_nothing_is_ordered_and_the_seats_stay_held() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let down = Stripe::new(StripeConfig::new("http://127.0.0.1:1", "sk_test_usher")).unwrap();
    let service = Service::open(&[], Instant::new(), Gateway::new(down)).await;
    let (_, seats) = event(&service, "gateway down", 1).await;
    let ada = Customer::new(&service).await;
    let reservation = ada.reserve(&seats).await;
    let held_back = async || {
        let _ = service.app.service.gateway.read(&steps::gateway::IntentId::new("pi_any")).await;
        service.app.service.gateway.held_back()
    };
    tests::support::wait_until("the breaker opens", std::time::Duration::from_secs(5), held_back).await;
    let answer = ada.pay(&reservation).await;
    answer.problem(503, "gateway-unavailable");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 5);
    let path = format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap());
    let read = ada.get(&path).await.is(200);
    assert_eq!((&read["status"], &read["payment_id"]), (&json!("PENDING"), &Value::Null));
    assert_eq!(service.count("select count(*) from booking.payments").await, 0);
}

//! The operators' desk of the service: its rows of a saga, its words in a search, and holds that end later.

use super::booking::Customer;
use super::client::Service;
use super::venue::event;
use axum::http::Method;
use chrono::{DateTime, Duration, Utc};
use operator::{Action, By, Expected, OperatorError, Plan, Rows};
use orchestrator::SagaId;
use serde_json::{Value, json};
use service::operators::{ServiceRows, desk};
use tests::support::wait_until;

/// Long enough to act in, short enough to be waited for.
const SHORT_MS: i64 = 1500;
const LONG: std::time::Duration = std::time::Duration::from_secs(20);

async fn now(service: &Service) -> DateTime<Utc> {
    sqlx::query_scalar("select clock_timestamp()").fetch_one(&service.pool).await.unwrap()
}

async fn act(service: &Service, saga: SagaId, action: Action) -> Result<Plan, OperatorError> {
    let operator = desk(&service.app.service.client, &service.app.service.config);
    let by = By { actor: "grace".into(), reason: "their bank calls back".into() };
    let plan = operator.plan(saga, action.clone(), by.clone()).await?;
    let expected = Expected { etag: plan.etag, plan_hash: Some(plan.hash) };
    operator.execute(saga, action, by, expected).await
}

/// A reservation that would end soon, extended to `by_ms` from now. Gives it as it was, and its new end.
async fn extended(service: &Service, ada: &Customer<'_>, name: &str, by_ms: i64) -> (Value, DateTime<Utc>) {
    let (_, seats) = event(service, name, 1).await;
    let short = "update booking.events set hold_ms = $1";
    sqlx::query(short).bind(SHORT_MS).execute(&service.pool).await.unwrap();
    let reservation = ada.reserve(&seats).await;
    let path = format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap());
    let saga: SagaId = reservation["saga_id"].as_str().unwrap().parse().unwrap();
    wait_until("it waits for an order", LONG, async || {
        let waits = "select count(*) from usher.sagas where state = 'waiting'";
        (service.count(waits).await == 1).then_some(())
    })
    .await;
    let until = now(service).await + Duration::milliseconds(by_ms);
    let plan = act(service, saga, Action::Extend { until }).await.unwrap();
    assert!(plan.touched.iter().any(|touched| touched.table == "booking.seats"), "{:?}", plan.touched);
    assert_ne!(
        plan.before["reservations"][0]["reserved_until"],
        plan.after["reservations"][0]["reserved_until"]
    );
    let read = ada.get(&path).await.is(200);
    assert_eq!(time(&read["reserved_until"]).timestamp_millis(), until.timestamp_millis());
    assert!(plan.due_at.unwrap() >= until, "the wait moves along: {:?}", plan.due_at);
    (reservation, until)
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// Waits until the hold would have ended without its extension.
async fn until_old_end(service: &Service, reservation: &Value) {
    let old = time(&reservation["reserved_until"]);
    wait_until("the old end is past", LONG, async || (now(service).await > old).then_some(())).await;
}

#[tokio::test]
async fn an_extended_hold_is_kept_after_its_old_end_and_paid_for() {
    let service = Service::start().await;
    let (ada, bob) = (Customer::new(&service).await, Customer::new(&service).await);
    let (reservation, _) = extended(&service, &ada, "extended", 60_000).await;
    let lock = format!(
        "{}lock:seat:{}",
        service.app.service.config.redis.prefix,
        reservation["seats"][0]["seat_id"].as_str().unwrap()
    );
    let mut redis = service.app.service.redis.clone();
    let left: i64 = redis::cmd("PTTL").arg(&lock).query_async(&mut redis).await.unwrap();
    assert!((30_000..=63_000).contains(&left), "the lock follows, and hardly outlives it: {left}");

    until_old_end(&service, &reservation).await;
    let seat = json!({"seat_id": reservation["seats"][0]["seat_id"]});
    bob.post("/reservations", seat.clone()).await.problem(409, "seat-unavailable");
    // Without the lock, Postgres refuses too: the hold has not ended, so nobody takes it over.
    let _: i64 = redis::cmd("DEL").arg(&lock).query_async(&mut redis).await.unwrap();
    bob.post("/reservations", seat).await.problem(409, "seat-unavailable");
    ada.pay(&reservation).await.is(202);
    service
        .until_count("it is booked", "select count(*) from booking.bookings where status = 'CONFIRMED'", 1)
        .await;
    service.until_count("it is over", "select count(*) from usher.sagas where state = 'completed'", 1).await;
}

#[tokio::test]
async fn an_extended_hold_ends_at_its_new_end() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let (reservation, new) = extended(&service, &ada, "ends later", 2500).await;
    until_old_end(&service, &reservation).await;
    let ended =
        "select count(*) from booking.reservations where status = 'EXPIRED' and ended_at >= reserved_until";
    service.until_count("it has expired, not a moment early", ended, 1).await;
    assert!(now(&service).await > new);
    assert_eq!(service.count("select count(*) from booking.seats where status = 'AVAILABLE'").await, 1);
}

#[tokio::test]
async fn a_hold_that_is_no_longer_its_own_is_not_extended() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let (_, seats) = event(&service, "cancelled", 1).await;
    let reservation = ada.reserve(&seats).await;
    let id = reservation["reservation_id"].as_str().unwrap();
    let saga: SagaId = id.parse().unwrap();
    act(&service, saga, Action::Pause).await.unwrap();
    ada.delete(&format!("/reservations/{id}")).await;
    // As after a takeover: the reservation has ended, and its saga has not heard of it yet.
    sqlx::query("update booking.reservations set status = 'EXPIRED', ended_at = now()")
        .execute(&service.pool)
        .await
        .unwrap();
    let until = now(&service).await + Duration::minutes(1);
    let refused = act(&service, saga, Action::Extend { until }).await;
    let Err(OperatorError::NotAllowed { why, .. }) = refused else { panic!("{refused:?}") };
    assert!(why.contains("no longer holds its seats"), "{why}");
}

#[tokio::test]
async fn everything_that_people_remember_of_a_sale_finds_its_sagas() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let (show, seats) = event(&service, "Hamlet's <b>night</b>", 2).await;
    sqlx::query("update booking.events set starts_at = now() + interval '1 day'")
        .execute(&service.pool)
        .await
        .unwrap();
    let reservation = ada.reserve(&seats[..1]).await;
    let saga = reservation["saga_id"].as_str().unwrap();
    ada.pay(&reservation).await.is(202);
    service
        .until_count(
            "the money is taken",
            "select count(*) from booking.payments where money = 'CAPTURED'",
            1,
        )
        .await;
    let (booking, code, payment, reference): (uuid::Uuid, String, uuid::Uuid, String) = sqlx::query_as(
        "select b.id, b.code, p.id, p.gateway_reference from booking.bookings b
         join booking.payments p on p.id = b.payment_id",
    )
    .fetch_one(&service.pool)
    .await
    .unwrap();
    let mut connection = service.pool.acquire().await.unwrap();
    let named = steps::PaymentId::from_uuid(payment);
    steps::store::gateway_references::remember(&mut connection, "stripe", &reference, named).await.unwrap();
    let (email, name): (String, String) =
        sqlx::query_as("select email, name from booking.users where id = $1::uuid")
            .bind(&ada.user)
            .fetch_one(&service.pool)
            .await
            .unwrap();
    let words = [
        reservation["reservation_id"].as_str().unwrap().to_owned(),
        booking.to_string(),
        code.to_lowercase(),
        payment.to_string(),
        reference,
        seats[0].to_string(),
        "stalls A 1".into(),
        format!("stalls A 1 @ {show}"),
        "stalls A 1 @ hamlet's <b>night</b>".into(),
        ada.user.clone(),
        email.to_uppercase(),
        name.to_lowercase(),
    ];
    let rows = ServiceRows::of(&service.app.service.config);
    for word in &words {
        let found = rows.find(&mut connection, word).await.unwrap();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [saga], "{word}");
    }
    for word in ["stalls A 2", "stalls A 1 @ Macbeth", "nobody", "", "%", "' or true --"] {
        assert_eq!(rows.find(&mut connection, word).await.unwrap(), [], "{word}");
    }

    let key = uuid::Uuid::now_v7().to_string();
    let cancel = service.ask(Method::POST, &format!("/bookings/{booking}/cancellation"));
    cancel.token(&ada.token).header("idempotency-key", &key).json(&json!({})).send().await.is(202);
    let found = rows.find(&mut connection, &booking.to_string()).await.unwrap();
    assert_eq!(found.len(), 2, "whoever gives it back belongs to it: {found:?}");
}

#[tokio::test]
async fn the_rows_of_a_booking_and_of_its_cancellation_are_shown_as_they_stand() {
    let service = Service::start().await;
    let ada = Customer::new(&service).await;
    let (_, seats) = event(&service, "Hamlet", 2).await;
    sqlx::query("update booking.events set starts_at = now() + interval '1 day'")
        .execute(&service.pool)
        .await
        .unwrap();
    let reservation = ada.reserve(&seats).await;
    ada.pay(&reservation).await.is(202);
    service
        .until_count(
            "the money is taken",
            "select count(*) from booking.payments where money = 'CAPTURED'",
            1,
        )
        .await;
    let rows = ServiceRows::of(&service.app.service.config);
    let mut connection = service.pool.acquire().await.unwrap();
    let saga: SagaId = reservation["saga_id"].as_str().unwrap().parse().unwrap();
    let shown = rows.of(&mut connection, saga).await.unwrap();
    let held = &shown["reservations"][0];
    assert_eq!(
        (&held["status"], &held["user"], &held["event"]),
        (&"CONFIRMED".into(), &"Ada".into(), &"Hamlet".into())
    );
    assert_eq!(held["seats"][0]["label"], "stalls A 1");
    assert_eq!((&held["seats"][1]["status"], &held["seats"][1]["own"]), (&"BOOKED".into(), &true.into()));
    let paid = &shown["payments"][0];
    assert_eq!((&paid["money"], &paid["ledger"]["captured_minor"]), (&"CAPTURED".into(), &5000.into()));
    assert_eq!(shown["bookings"][0]["status"], "CONFIRMED");
    assert_eq!(shown["bookings"][0].get("code"), None, "a code is the customer's secret");

    let booking = shown["bookings"][0]["id"].as_str().unwrap();
    let key = uuid::Uuid::now_v7().to_string();
    let cancel = service.ask(Method::POST, &format!("/bookings/{booking}/cancellation"));
    cancel.token(&ada.token).header("idempotency-key", &key).json(&json!({})).send().await.is(202);
    let cancellation: SagaId =
        sqlx::query_scalar("select id from usher.sagas where workflow = 'cancellation'")
            .fetch_one(&service.pool)
            .await
            .unwrap();
    service
        .until_count("it is given back", "select count(*) from usher.sagas where state = 'completed'", 2)
        .await;
    let shown = rows.of(&mut connection, cancellation).await.unwrap();
    assert_eq!(shown["payments"][0]["ledger"]["refunded_minor"], 5000);
    assert_eq!(
        (&shown["bookings"][0]["status"], &shown["reservations"][0]["seats"][0]["own"]),
        (&"CANCELLED".into(), &false.into())
    );
}

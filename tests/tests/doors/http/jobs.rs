//! The jobs that run again and again, so that a lost webhook or a crash loses nothing.

use super::booking::{Customer, intent_of};
use super::client::Service;
use super::venue::event;
use serde_json::Value;
use service::jobs::Jobs;
use steps::gateway::IntentId;
use steps::gateway::instant::{Act, Operation};

/// A payment that is processing at the gateway.
async fn processing(service: &Service, name: &str) -> (Value, IntentId) {
    service.gateway.script(|request| match request.operation {
        Operation::Confirm => Act::Pend,
        _ => Act::Go,
    });
    let (_, seats) = event(service, name, 1).await;
    let ada = Customer::new(service).await;
    let reservation = ada.reserve(&seats).await;
    ada.pay(&reservation).await.is(202);
    let saga = reservation["saga_id"].as_str().unwrap().parse().unwrap();
    let intent = intent_of(service, saga).await;
    (reservation, intent)
}

#[tokio::test]
async fn a_lost_webhook_is_asked_for() {
    let service = Service::start().await;
    let (_, intent) = processing(&service, "lost").await;
    service.gateway.settle(&intent, true).unwrap();
    Jobs::run_once(&service.app.service).await;
    assert_eq!(service.count("select count(*) from booking.inbox").await, 0, "it is not due yet");
    let age = "update booking.payments set created_at = created_at - interval '1 minute'";
    sqlx::query(age).execute(&service.pool).await.unwrap();
    Jobs::run_once(&service.app.service).await;
    service.until_count("it is booked", "select count(*) from booking.bookings", 1).await;
    Jobs::run_once(&service.app.service).await;
    assert_eq!(service.count("select count(*) from booking.inbox where state = 'APPLIED'").await, 1);
}

#[tokio::test]
async fn news_that_could_not_be_acted_on_is_tried_again() {
    let service = Service::start().await;
    let (_, intent) = processing(&service, "again").await;
    service.gateway.settle(&intent, true).unwrap();
    let fact = service.gateway.fact(&intent, steps::gateway::EventId::new("evt_1")).unwrap();
    // As if the node had died after storing the webhook.
    service::news::receive(&service.app.service, fact, b"{}").await.unwrap();
    let age = "update booking.inbox set received_at = received_at - interval '10 seconds'";
    sqlx::query(age).execute(&service.pool).await.unwrap();
    Jobs::run_once(&service.app.service).await;
    service.until_count("it is booked", "select count(*) from booking.bookings", 1).await;
    assert_eq!(service.count("select count(*) from booking.inbox where state = 'APPLIED'").await, 1);
}

#[tokio::test]
async fn money_that_contradicts_what_is_written_down_is_never_a_booking() {
    let service = Service::start().await;
    let (_, intent) = processing(&service, "a lie").await;
    sqlx::query("update booking.payments set amount_minor = 1").execute(&service.pool).await.unwrap();
    service.gateway.settle(&intent, true).unwrap();
    let fact = service.gateway.fact(&intent, steps::gateway::EventId::new("evt_1")).unwrap();
    let received = service::news::receive(&service.app.service, fact, b"{}").await.unwrap();
    let acted = service::news::act(&service.app.service, &received.key, &received.fact).await.unwrap();
    assert_eq!(acted, service::news::Acted::Done);
    service
        .until_count("a person must look", "select count(*) from usher.sagas where state = 'stuck'", 1)
        .await;
    assert_eq!(service.count("select count(*) from booking.bookings").await, 0);
}

#[tokio::test]
async fn old_keys_go_and_young_ones_stay() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "retention", 2).await;
    let ada = Customer::new(&service).await;
    ada.reserve(&seats[..1]).await;
    let age = "update booking.idempotency_keys set created_at = now() - interval '25 hours'";
    sqlx::query(age).execute(&service.pool).await.unwrap();
    ada.reserve(&seats[1..]).await;
    Jobs::run_once(&service.app.service).await;
    assert_eq!(service.count("select count(*) from booking.idempotency_keys").await, 1);
}

#[tokio::test]
async fn stuck_sagas_are_counted_until_somebody_comes() {
    let service = Service::start().await;
    let (_, seats) = event(&service, "stuck", 1).await;
    let ada = Customer::new(&service).await;
    ada.reserve(&seats).await;
    service.until_count("it waits", "select count(*) from usher.sagas where state = 'waiting'", 1).await;
    let stuck =
        "update usher.sagas set state = 'stuck', due_at = null, leased = false, stuck = '\"foreign_wait\"'";
    sqlx::query(stuck).execute(&service.pool).await.unwrap();
    // The process has one gauge, which other tests set too.
    tests::support::wait_until("the gauge says so", std::time::Duration::from_secs(10), async || {
        Jobs::run_once(&service.app.service).await;
        service.get("/metrics").send().await.text.contains("usher_sagas_stuck 1").then_some(())
    })
    .await;
}

#[tokio::test]
async fn however_many_sagas_are_too_old_one_run_lets_all_of_them_go() {
    let service = Service::start().await;
    let old = "insert into usher.sagas
            (id, bucket, workflow, version, state, journal_len, created_at, updated_at)
        select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || '8000'
                || lpad(to_hex(n * 1024), 12, '0'))::uuid, 0, 'booking', 1, 'completed', 1, at, at
        from generate_series(1, 12345) as n, (select now() - interval '200 days' as at) as long_ago";
    sqlx::query(old).execute(&service.pool).await.unwrap();
    Jobs::run_once(&service.app.service).await;
    assert_eq!(service.count("select count(*) from usher.sagas").await, 0);
    let told = service.get("/metrics").send().await.text;
    assert!(told.contains("usher_retention_behind_seconds 0"), "{told}");
}

//! Webhooks in every order: news moves a payment once, however it comes.

use super::world::{LONG, PaymentWorld, Plan};
use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use steps::{PaymentId, ReservationId};

/// A world whose gateway takes its time, and says what it has done by webhook only.
async fn slow_world() -> PaymentWorld {
    Plan::default().gateway(|gateway| gateway.settle_delay = Duration::from_secs(3600)).open().await
}

const LETTERS: &str = "select count(*) from usher.mailbox where name = 'payment-news'";

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_webhook_that_comes_a_hundred_times_is_acted_on_once(#[case] plan: Plan) {
    // Late enough that the call's own answer doesn't have the result yet.
    let world = plan.gateway(|gateway| gateway.settle_delay = Duration::from_secs(1)).open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"copies": 100, "jitter_ms": 200}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    assert_eq!(world.count(LETTERS).await, 1);
    world.close().await;
}

#[tokio::test]
async fn two_events_for_one_fact_book_once() {
    let world = slow_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"hold": true}})).await;
    world.gateway.control(&format!("intents/{intent}/settle"), json!({})).await;
    for id in ["evt_one", "evt_other"] {
        let kind = "payment_intent.amount_capturable_updated";
        world.gateway.control("events", json!({"type": kind, "intent": intent, "id": id})).await;
    }
    world.gateway.control("webhooks/release", json!({})).await;
    ada.until(&reservation, "CONFIRMED").await;
    world.gateway.behave().await;
    world.gateway.control("webhooks/release", json!({})).await;
    world.rest().await;
    assert_eq!(world.count("select count(*) from booking.bookings").await, 1);
    let books = world.close().await;
    assert_eq!(books.only(&reservation).times_captured, 1);
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_webhook_that_overtakes_the_answer_changes_nothing(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["confirm"], 1, json!({"answer_delay_ms": 400})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    // With an automatic capture there are two, and both may have come before anybody looks.
    let news = "select least(count(*), 1) from booking.inbox where kind in ('authorised', 'captured')";
    let overtaken = world.until_count("the news is there", news, 1);
    let (payment, ()) = futures_util::join!(ada.pay(&reservation, "pm_card_visa"), overtaken);
    assert_eq!(payment["status"], "SUCCESS");
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[tokio::test]
async fn a_webhook_that_comes_before_our_row_waits_for_it() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let id = |name: &str| reservation[name].as_str().unwrap().to_owned();
    let bucket = id("reservation_id").parse::<ReservationId>().unwrap().bucket();
    let payment = PaymentId::new_in(bucket);
    // As if our row had been lost by a failover after the request left: the gateway knows a payment that we don't.
    let made = [
        ("amount", "12500"),
        ("currency", "eur"),
        ("payment_method", "pm_processing_settles"),
        ("capture_method", "manual"),
        ("metadata[saga_id]", &id("saga_id")),
        ("metadata[payment_id]", &payment.to_string()),
        ("metadata[reservation_id]", &id("reservation_id")),
    ];
    let intent = world.gateway.post("payment_intents", &made).await["id"].as_str().unwrap().to_owned();
    world
        .gateway
        .rule(&["confirm"], 1, json!({"confirm": {"process": {"after_ms": 0, "then": "fail"}}}))
        .await;
    world.gateway.post(&format!("payment_intents/{intent}/confirm"), &[]).await;
    let parked = "select count(*) from booking.inbox where state = 'UNMATCHED' and kind = 'declined'";
    world.until_count("the news is parked", parked, 1).await;
    world.gateway.post(&format!("payment_intents/{intent}/cancel"), &[]).await;
    // Now the order comes: by a signal alone, so the row is made by the step.
    let saga = id("saga_id").parse().unwrap();
    let method = "pm_card_visa".parse().unwrap();
    let order = workflows::PaymentOrder { payment, method, gateway: "stripe".into() };
    world.service.client.signal(saga, "a test", &order).await.unwrap();
    ada.until(&reservation, "CONFIRMED").await;
    world.a_minute_later().await;
    world.until_count("it is acted on", parked, 0).await;
    world.close().await;
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn news_out_of_order_never_goes_backwards(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"hold": true}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.until_count("captured", "select count(*) from booking.payments where money = 'CAPTURED'", 1).await;
    world.gateway.behave().await;
    world.gateway.control("webhooks/release", json!({"reverse": true})).await;
    world.rest().await;
    assert_eq!(ada.payment(&payment).await["status"], "SUCCESS");
    world.close().await;
}

#[tokio::test]
async fn an_old_failure_does_not_undo_a_success() {
    let world = slow_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    // The event says that the payment failed. The intent, read again, says that it was settled.
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    world.gateway.control(&format!("intents/{intent}/settle"), json!({})).await;
    let failed = json!({"type": "payment_intent.payment_failed", "intent": intent});
    world.gateway.control("events", failed).await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn news_that_is_lost_is_asked_for(#[case] plan: Plan) {
    let world = plan.gateway(|gateway| gateway.settle_delay = Duration::from_secs(3600)).open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    world.gateway.control(&format!("intents/{intent}/settle"), json!({})).await;
    world.a_minute_later().await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[tokio::test]
async fn a_customer_who_looks_brings_the_news_that_was_lost() {
    let world = slow_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_processing_settles").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    world.gateway.control(&format!("intents/{intent}/settle"), json!({})).await;
    ada.post_waiting("/bookings", json!({"payment_id": payment["payment_id"]})).await.is(201);
    world.close().await;
}

#[tokio::test]
async fn news_that_comes_after_the_end_changes_nothing() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    for kind in ["payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing"] {
        world.gateway.control("events", json!({"type": kind, "intent": intent})).await;
    }
    world.close().await;
}

#[tokio::test]
async fn what_the_gateway_could_not_be_asked_about_is_asked_later() {
    let world = slow_world().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    world.gateway.rule(&["read"], 1, json!({"before": "drop"})).await;
    world.gateway.control(&format!("intents/{intent}/settle"), json!({})).await;
    world.until("it was asked", async || (world.gateway.rules().await == 0).then_some(())).await;
    world.a_minute_later().await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

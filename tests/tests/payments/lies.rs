//! A gateway that says something else than was ordered: never a booking, always a person.

use super::world::{LONG, PaymentWorld, Plan};
use rstest::rstest;
use serde_json::{Value, json};

const OTHER: &str = "00000000-0000-0000-0000-000000000000";

/// Pays while the gateway's answers lie; the saga must be stuck, and says why.
async fn lied_to(plan: Plan, lie: Value) -> (PaymentWorld, Value) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    world.gateway.rule(&["confirm", "read"], None, json!({"lie": lie})).await;
    let body = json!({"reservation_id": reservation["reservation_id"], "method": "pm_card_visa"});
    ada.post("/payments", body).await;
    let cause = world.stuck(&reservation).await;
    assert!(cause["contradicted"].is_object(), "{cause}");
    assert_eq!(world.count("select count(*) from booking.bookings").await, 0);
    assert_eq!(world.count("select count(*) from usher.audit where action = 'stuck'").await, 1);
    drop(ada);
    (world, cause)
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn another_amount_than_was_ordered_is_never_a_booking(#[case] plan: Plan) {
    let (world, cause) = lied_to(plan, json!({"amount": 1})).await;
    assert!(cause["contradicted"]["detail"].as_str().unwrap().contains("125.00 EUR"), "{cause}");
    world.verify().await;
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn another_currency_than_was_ordered_is_never_a_booking(#[case] plan: Plan) {
    let (world, cause) = lied_to(plan, json!({"currency": "usd"})).await;
    assert!(cause["contradicted"]["detail"].as_str().unwrap().contains("USD"), "{cause}");
    world.verify().await;
}

#[tokio::test]
async fn the_money_of_another_payment_is_never_a_booking() {
    let (world, _) = lied_to(Plan::default(), json!({"payment_id": OTHER})).await;
    world.verify().await;
}

/// Pays, and settles the payment while reads of it lie; the webhook's news must not be believed.
async fn told_a_lie(lie: Value) -> Value {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_authenticationRequired").await;
    world.gateway.rule(&["read"], None, json!({"lie": lie})).await;
    let page = payment["next_action"]["url"].as_str().unwrap();
    world.http.post(format!("{page}/approve")).send().await.unwrap();
    let cause = world.stuck(&reservation).await;
    assert!(cause["contradicted"].is_object(), "{cause}");
    assert_eq!(world.count("select count(*) from booking.bookings").await, 0);
    world.verify().await;
    cause
}

#[tokio::test]
async fn news_of_another_amount_makes_the_saga_stuck() {
    told_a_lie(json!({"amount": 1})).await;
}

#[tokio::test]
async fn news_of_another_currency_makes_the_saga_stuck() {
    told_a_lie(json!({"currency": "usd"})).await;
}

#[tokio::test]
async fn news_of_another_payment_makes_the_saga_stuck() {
    told_a_lie(json!({"payment_id": OTHER})).await;
}

#[tokio::test]
async fn a_webhook_that_lies_is_held_against_the_gateway_and_not_believed() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["webhook"], None, json!({"lie": {"amount": 1, "currency": "usd"}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

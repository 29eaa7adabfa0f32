//! What the gateway answers at once or later: yes, no, ask the customer, wait.

use super::world::{LONG, PaymentWorld, Plan};
use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use tests::support::PRICE;

/// How long seats are held where a test waits for the end of the hold.
const SHORT: Duration = Duration::from_millis(1200);

#[tokio::test]
async fn a_payment_that_goes_well_is_captured_once() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(2, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0, 1]).await;
    assert_eq!(ada.pay(&reservation, "pm_card_visa").await["status"], "SUCCESS");
    ada.until(&reservation, "CONFIRMED").await;
    let books = world.close().await;
    assert_eq!((books.only(&reservation).times_captured, books.only(&reservation).captured), (1, 2 * PRICE));
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_decline_frees_the_seats_and_says_why(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_chargeDeclinedInsufficientFunds").await;
    assert_eq!((&payment["status"], &payment["failure"]), (&json!("FAILED"), &json!("insufficient_funds")));
    ada.until(&reservation, "EXPIRED").await;
    let again = ada.reserve(&show, &[0]).await;
    ada.pay(&again, "pm_card_visa").await;
    ada.until(&again, "CONFIRMED").await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).status, "canceled");
}

/// What counts is the state of the intent. The gateway answers 200 and cancels nothing, so the intent could still be
/// charged after the seats are free.
#[tokio::test]
async fn a_cancel_that_is_answered_well_and_not_done_is_not_believed() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["cancel"], 1, json!({"lax": true})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_chargeDeclined").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).status, "canceled");
}

#[tokio::test]
async fn a_customer_who_proves_who_they_are_gets_their_seats() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_authenticationRequired").await;
    assert_eq!(payment["status"], "INITIATED");
    let page = payment["next_action"]["url"].as_str().unwrap();
    world.http.post(format!("{page}/approve")).send().await.unwrap();
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[tokio::test]
async fn a_customer_who_fails_to_prove_who_they_are_gets_none() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_authenticationRequired").await;
    let page = payment["next_action"]["url"].as_str().unwrap();
    world.http.post(format!("{page}/deny")).send().await.unwrap();
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).status, "canceled");
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_customer_who_never_answers_can_not_be_charged_afterwards(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_authenticationRequired").await;
    ada.until(&reservation, "EXPIRED").await;
    let page = payment["next_action"]["url"].as_str().unwrap();
    let late = world.http.post(format!("{page}/approve")).send().await.unwrap();
    assert_eq!(late.status(), 400, "the intent is cancelled");
    world.close().await;
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_payment_that_is_processed_for_a_while_is_booked_when_it_settles(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    assert_eq!(ada.pay(&reservation, "pm_processing_settles").await["status"], "INITIATED");
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[tokio::test]
async fn a_payment_that_fails_after_a_while_frees_the_seats() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_processing_fails").await;
    ada.until(&reservation, "EXPIRED").await;
    let payment = ada.payment(&payment).await;
    assert_eq!((&payment["status"], &payment["failure"]), (&json!("FAILED"), &json!("insufficient_funds")));
    world.close().await;
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_payment_that_is_processed_too_long_is_cancelled_at_the_gateway(#[case] plan: Plan) {
    let world = plan.gateway(|gateway| gateway.settle_delay = Duration::from_secs(3600)).open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).status, "canceled");
}

/// The cancel is refused because the money came in between the read and the cancel. It may be held or already taken.
#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_cancel_that_fails_because_the_money_is_there_meanwhile_books_the_seats(#[case] plan: Plan) {
    let world = plan.gateway(|gateway| gateway.settle_delay = Duration::from_secs(3600)).open().await;
    let (show, ada) = (world.show(1, SHORT).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let refuse = json!({"before": {"refuse": {"code": "payment_intent_unexpected_state"}}});
    world.gateway.rule(&["cancel"], None, refuse).await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    ada.pay(&reservation, "pm_processing_settles").await;
    let settling =
        "select count(*) from usher.journal_entries where kind = 'started' and body ->> 'step' = 'settle'";
    world.until_count("the time is up", settling, 1).await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    world.gateway.control(&format!("intents/{intent}/settle"), json!({})).await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

//! The same sagas through a gateway with another protocol and its own webhooks: nothing above the port notices.

use super::world::{LONG, Plan};
use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use tests::support::PRICE;

/// How many of the other gateway's webhooks were acted on.
const APPLIED: &str = "select count(*) from booking.inbox where provider = 'standard' and state = 'APPLIED'";

#[rstest]
#[case::manual(Plan::default().standard())]
#[case::automatic(Plan::default().standard().automatic())]
#[tokio::test]
async fn a_booking_goes_through_another_gateway(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    assert_eq!(ada.payment(&payment).await["status"], "SUCCESS");
    let books = world.close().await;
    assert_eq!(books.sums["eur"].kept, PRICE);
}

#[rstest]
#[case::manual(Plan::default().standard())]
#[case::automatic(Plan::default().standard().automatic())]
#[tokio::test]
async fn another_gateways_webhooks_bring_the_news(#[case] plan: Plan) {
    // The news comes by webhook alone, because the jobs that would ask the gateway don't run here.
    let world = plan.open().await;
    let (show, ada) = (world.show(2, LONG).await, world.customer().await);
    let processed = ada.reserve(&show, &[0]).await;
    ada.pay(&processed, "pm_processing_settles").await;
    ada.until(&processed, "CONFIRMED").await;
    let approved = ada.reserve(&show, &[1]).await;
    ada.pay(&approved, "pm_card_authenticationRequired").await;
    let id = world.gateway.books().await.only(&approved).id.clone();
    world.gateway.control(&format!("intents/{id}/approve"), json!({})).await;
    ada.until(&approved, "CONFIRMED").await;
    assert!(world.count(APPLIED).await >= 2);
    let books = world.close().await;
    assert_eq!(books.sums["eur"].kept, 2 * PRICE);
}

#[tokio::test]
async fn another_gateways_no_frees_the_seats_at_once_or_later() {
    let world = Plan::default().standard().open().await;
    let (show, ada) = (world.show(2, LONG).await, world.customer().await);
    for (seat, method) in [(0, "pm_card_chargeDeclined"), (1, "pm_processing_fails")] {
        let reservation = ada.reserve(&show, &[seat]).await;
        ada.pay(&reservation, method).await;
        ada.until(&reservation, "EXPIRED").await;
    }
    assert_eq!(world.close().await.sums["eur"].kept, 0);
}

#[rstest]
#[case::manual(Plan::default().standard())]
#[case::automatic(Plan::default().standard().automatic())]
#[tokio::test]
async fn another_gateway_that_misbehaves_is_charged_once_and_left_with_nothing(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(3, LONG).await, world.customer().await);
    for (seat, acts) in [
        (0, json!({"after": {"fail": {"status": 500, "kept": true}}})),
        (1, json!({"before": {"fail": {"status": 500, "kept": true}}})),
        (2, json!({"after": "close"})),
    ] {
        world.gateway.rule(&["confirm"], 1, acts).await;
        let reservation = ada.reserve(&show, &[seat]).await;
        ada.pay(&reservation, "pm_card_visa").await;
        ada.until(&reservation, "CONFIRMED").await;
    }
    assert_eq!(world.close().await.sums["eur"].kept, 3 * PRICE);
}

#[tokio::test]
async fn what_another_gateway_took_too_late_goes_back() {
    let hold = Duration::from_secs(2);
    let world = Plan::default().standard().automatic().open().await;
    let (show, ada) = (world.show(1, hold).await, world.customer().await);
    world.gateway.rule(&["confirm"], None, json!({"after": "close"})).await;
    world.gateway.rule(&["read", "search"], None, json!({"before": "drop"})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let charged = async || (world.gateway.books().await.sums.get("eur")?.captured > 0).then_some(());
    world.until("the money is taken", charged).await;
    ada.delete(&format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap())).await;
    world.gateway.behave().await;
    world.at_rest(&reservation).await;
    let left = ada.reservation(&reservation).await;
    let books = world.close().await;
    let expected = if left["status"] == "CONFIRMED" { PRICE } else { 0 };
    assert_eq!(books.sums["eur"].kept, expected, "{left}");
}

//! Gateways that refuse without a reason, or show an intent without its amounts: the intent's state decides.
//!
//! Here a gateway keeps no idempotency keys, and a request may reach it twice. The second is refused by a plain 400,
//! although the first did what was wanted.

use super::world::{LONG, PaymentWorld, Plan};
use rstest::rstest;
use serde_json::{Value, json};
use std::time::Duration;
use tests::support::PRICE;

/// How long seats are held where a test waits for the end of the hold.
const SHORT: Duration = Duration::from_millis(1200);

/// From now on these requests reach a gateway without keys and codes twice.
async fn refuses_what_is_done(world: &PaymentWorld, on: &[&str]) {
    world.gateway.rule(on, None, json!({"bare": true, "twice": true})).await;
}

#[rstest]
#[case::stripe(Plan::default())]
#[case::standard(Plan::default().standard())]
#[tokio::test]
async fn a_capture_whose_answer_was_lost_ends_though_its_repetition_is_refused_without_a_code(
    #[case] plan: Plan,
) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["capture"], 1, json!({"bare": true, "after": "close"})).await;
    world.gateway.rule(&["capture"], None, json!({"bare": true})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    let books = world.close().await;
    let intent = books.only(&reservation);
    assert_eq!((intent.times_captured, intent.captured), (1, PRICE));
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[case::standard(Plan::default().standard())]
#[case::standard_automatic(Plan::default().standard().automatic())]
#[tokio::test]
async fn a_confirmation_that_arrives_twice_is_a_payment_and_no_refusal(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(2, LONG).await, world.customer().await);
    refuses_what_is_done(&world, &["confirm"]).await;
    for (seat, method) in [(0, "pm_card_visa"), (1, "pm_processing_settles")] {
        let reservation = ada.reserve(&show, &[seat]).await;
        let payment = ada.pay(&reservation, method).await;
        assert_ne!(payment["status"], "FAILED", "{payment}");
        ada.until(&reservation, "CONFIRMED").await;
    }
    world.close().await;
}

#[rstest]
#[case::stripe(Plan::default())]
#[case::standard(Plan::default().standard())]
#[tokio::test]
async fn a_confirmation_that_is_refused_without_a_code_leaves_nothing_that_could_be_charged(
    #[case] plan: Plan,
) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let acts = json!({"bare": true, "before": {"refuse": {"code": "whatever"}}});
    world.gateway.rule(&["confirm"], None, acts).await;
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_visa").await;
    assert_eq!(payment["status"], "FAILED", "{payment}");
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).status, "canceled");
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[case::standard(Plan::default().standard())]
#[tokio::test]
async fn a_second_cancel_that_is_refused_without_a_code_frees_the_seats(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(2, SHORT).await, world.customer().await);
    refuses_what_is_done(&world, &["cancel"]).await;
    // The first is cancelled at once because the bank declines, the second at the deadline because nobody acts.
    for (seat, method) in [(0, "pm_card_chargeDeclined"), (1, "pm_card_authenticationRequired")] {
        let reservation = ada.reserve(&show, &[seat]).await;
        ada.pay(&reservation, method).await;
        ada.until(&reservation, "EXPIRED").await;
        assert_eq!(world.gateway.books().await.only(&reservation).status, "canceled");
    }
    world.close().await;
}

/// The second payment is already captured, so it can't be cancelled.
#[rstest]
#[case::stripe(Plan::default().automatic())]
#[case::standard(Plan::default().standard().automatic())]
#[tokio::test]
async fn what_was_captured_twice_goes_back_though_the_cancel_is_refused_without_a_code(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["cancel"], None, json!({"bare": true})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    world.gateway.control(&format!("intents/{intent}/again"), json!({})).await;
    let back = "select count(*) from booking.payments where late_for is not null and status = 'REFUNDED'";
    world.until_count("the second money goes back", back, 1).await;
    let books = world.close().await;
    let kept: i64 = books.of(&reservation).iter().map(|intent| intent.captured - intent.refunded).sum();
    assert_eq!((books.of(&reservation).len(), kept), (2, PRICE), "{books:#?}");
}

#[rstest]
#[case::stripe(Plan::default())]
#[case::standard(Plan::default().standard())]
#[tokio::test]
async fn a_refund_that_arrives_twice_is_made_once_and_seen(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let found = ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    refuses_what_is_done(&world, &["refund"]).await;
    let booking = format!("/bookings/{}", found["booking_id"].as_str().unwrap());
    ada.post(&format!("{booking}/cancellation"), json!({"reason": "ill"})).await.is(202);
    let books = world.close().await;
    let intent = books.only(&reservation);
    assert_eq!((intent.refunded, intent.refunds.len()), (PRICE, 1), "{intent:#?}");
}

#[rstest]
#[case::stripe(Plan::default())]
#[case::standard(Plan::default().standard())]
#[tokio::test]
async fn a_404_to_a_create_refuses_this_attempt_and_leaves_room_for_another(#[case] plan: Plan) {
    let plan = plan.with("USHER_BOOKING_PAYMENT_ATTEMPTS_MAX", "2");
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["create"], 1, json!({"before": "missing"})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    let refused = ada.pay(&reservation, "pm_card_visa").await;
    assert_eq!(refused["status"], "FAILED", "{refused}");
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

/// The first attempt was paid, and its answer lost; the gateway keeps no keys, and takes the method only once.
#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_create_that_is_refused_to_the_second_attempt_does_not_hide_the_money_of_the_first(
    #[case] plan: Plan,
) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    world.gateway.rule(&["create"], 1, json!({"bare": true})).await;
    world.gateway.rule(&["create"], None, json!({"before": "missing"})).await;
    world.gateway.rule(&["confirm"], 1, json!({"bare": true, "after": "close"})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).captured, PRICE);
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[case::standard(Plan::default().standard())]
#[case::standard_automatic(Plan::default().standard().automatic())]
#[tokio::test]
async fn an_answer_without_amounts_is_read_again_and_never_taken_for_nothing(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(2, LONG).await, world.customer().await);
    let without = json!({"lie": {"without_amounts": true}});
    world.gateway.rule(&["confirm", "capture", "cancel", "webhook"], None, without.clone()).await;
    // Not only the answers to requests lack the amounts: so do the first two reads.
    world.gateway.rule(&["read"], 2, without).await;
    for (seat, method) in [(0, "pm_card_visa"), (1, "pm_processing_settles")] {
        let reservation = ada.reserve(&show, &[seat]).await;
        ada.pay(&reservation, method).await;
        ada.until(&reservation, "CONFIRMED").await;
    }
    let books = world.close().await;
    assert_eq!(books.sums["eur"].kept, 2 * PRICE);
}

/// Everything that shows an intent.
const SHOWN: [&str; 8] = ["create", "confirm", "capture", "cancel", "read", "search", "list", "webhook"];

#[tokio::test]
async fn held_money_of_which_nobody_says_how_much_is_let_go_and_never_a_booking() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&SHOWN, None, json!({"lie": {"without_amounts": true}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert_eq!((books.only(&reservation).status.as_str(), books.sums["eur"].kept), ("canceled", 0));
}

#[tokio::test]
async fn taken_money_of_which_nobody_says_how_much_is_owed_until_somebody_does() {
    let world = Plan::default().automatic().open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    // Otherwise the refusal would show the intent with its amounts.
    world.gateway.rule(&["cancel"], None, json!({"bare": true})).await;
    world.gateway.rule(&SHOWN, None, json!({"lie": {"without_amounts": true}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let unwinding = "select count(*) from usher.sagas where state = 'unwinding' and attempts >= 2";
    world.until_count("it turns back, and tries", unwinding, 1).await;
    let left: Value = ada.reservation(&reservation).await;
    assert_eq!((&left["status"], world.gateway.books().await.sums["eur"].kept), (&json!("PENDING"), PRICE));
    world.gateway.behave().await;
    ada.until(&reservation, "EXPIRED").await;
    assert_eq!(world.close().await.sums["eur"].kept, 0);
}

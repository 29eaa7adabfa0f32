//! Captures of a part, made by hand at the gateway: never an entry in our ledger, always a case that can be closed.

use super::{
    late::{SHORT, expired, pay_in_another_tab},
    reconcile::open_cases,
    uncaptured::Uncaptured,
    world::PaymentWorld,
};
use orchestrator::tools::Action;
use rstest::rstest;
use serde_json::{Value, json};
use tests::support::PRICE;

/// The part of the price that is captured, in minor units.
const PART: i64 = 500;

#[tokio::test]
async fn a_part_captured_by_hand_is_a_case_and_ends_once_it_has_gone_back() {
    let world = PaymentWorld::open().await;
    let booked = Uncaptured::book(&world).await;
    booked.by_hand("capture", json!({"amount": PART})).await;
    let cause = booked.is_stuck(false).await;
    assert!(cause["contradicted"]["detail"].as_str().unwrap().contains(&booked.booking), "{cause}");
    let case = world.until("it is a case", async || open_cases(&world).await.into_iter().next()).await;
    assert_eq!((case.class.as_str(), case.ours_minor, case.theirs_minor), ("amount-differs", PRICE, PART));
    // The money goes back in two parts. After the first of them the case is still open.
    booked.by_hand("refund", json!({"amount": PART - 1})).await;
    let kept = "select count(*) from booking.inbox where kind = 'charge-refunded' and state = 'PENDING'";
    world.until_count("its news waits", kept, 1).await;
    booked.is_owed().await;
    booked.by_hand("refund", json!({"amount": 1})).await;
    booked.is_released().await;
    booked.resolve().await;
    booked.cancel().await;
    booked.ends_with_nothing().await;
}

#[tokio::test]
async fn a_part_that_has_gone_back_unheard_ends_when_the_saga_is_tried_again() {
    let world = PaymentWorld::open().await;
    let booked = Uncaptured::book(&world).await;
    booked.by_hand_unheard("capture", json!({"amount": PART})).await;
    booked.is_stuck(true).await;
    booked.by_hand("refund", json!({})).await;
    booked.is_owed().await;
    booked.act(Action::RetryNow).await;
    booked.is_released().await;
    let cause = world.stuck(&booked.reservation).await;
    let detail = cause["refused_after_pivot"]["error"].as_str().unwrap_or_default();
    assert!(detail.contains("in part") && detail.contains(&booked.booking), "{cause}");
    booked.resolve().await;
    booked.cancel().await;
    booked.ends_with_nothing().await;
}

#[rstest]
#[case::a_refund("refund", "select count(*) from booking.inbox where kind = 'charge-refunded'")]
#[case::a_dispute("dispute", "select count(*) from booking.inbox where kind = 'dispute'")]
#[tokio::test]
async fn news_of_a_part_capture_writes_no_capture(#[case] news: &str, #[case] kept: &'static str) {
    let world = PaymentWorld::open().await;
    let booked = Uncaptured::book(&world).await;
    booked.by_hand("capture", json!({"amount": PART})).await;
    booked.is_stuck(false).await;
    booked.by_hand(news, json!({"amount": 100})).await;
    world.until_count("the news is kept", kept, 1).await;
    world.a_minute_later().await;
    booked.is_owed().await;
    assert_eq!(world.count("select count(*) from booking.payments where disputed").await, 0);
    let cases = open_cases(&world).await;
    assert_eq!((cases.len(), cases[0].class.as_str()), (1, "amount-differs"), "{cases:?}");
}

/// Late money on its way back, of which a part is captured by hand: its cancel doesn't arrive. Gives the reservation and the
/// gateway's name of the payment.
async fn late_part(world: &PaymentWorld) -> (Value, String) {
    let (show, ada, bob) = (world.show(1, SHORT).await, world.customer().await, world.customer().await);
    let reservation = expired(world, &show, &ada).await;
    let others = bob.reserve(&show, &[0]).await;
    bob.pay(&others, "pm_card_visa").await;
    bob.until(&others, "CONFIRMED").await;
    world.gateway.rule(&["cancel"], None, json!({"before": "drop"})).await;
    pay_in_another_tab(world, &reservation).await;
    let held = "select count(*) from booking.payments where late_for is not null and money = 'HELD'";
    world.until_count("it is taken in", held, 1).await;
    let back = "select count(*) from usher.sagas where workflow = 'late_payment' and state = 'unwinding'";
    world.until_count("it goes back", back, 1).await;
    let books = world.gateway.books().await;
    let late = books.of(&reservation).into_iter().find(|intent| intent.status == "requires_capture").unwrap();
    world.gateway.control(&format!("intents/{}/capture", late.id), json!({"amount": PART})).await;
    (reservation, late.id.clone())
}

const ENDED: &str = "select count(*) from booking.payments where late_for is not null and money = 'VOIDED'";

#[tokio::test]
async fn late_money_captured_in_part_on_its_way_back_goes_back_and_ends() {
    let world = PaymentWorld::open().await;
    let (reservation, _) = late_part(&world).await;
    world.gateway.behave().await;
    world.until_count("it has ended", ENDED, 1).await;
    let books = world.close().await;
    let parts: i64 = books.of(&reservation).iter().map(|intent| intent.refunded).sum();
    assert_eq!(parts, PART);
}

/// Stripe lists the money that a part capture released among the refunds, without ids of ours.
#[tokio::test]
async fn where_a_refund_is_refused_what_a_part_capture_released_is_not_taken_for_it() {
    let world = PaymentWorld::open().await;
    let (reservation, intent) = late_part(&world).await;
    let released = PRICE - PART;
    world.gateway.rule(&["refund"], 1, json!({"lax": true})).await;
    let listed = [("payment_intent", intent.as_str()), ("amount", &released.to_string())];
    world.gateway.post("refunds", &listed).await;
    world.gateway.rule(&["refund"], 1, json!({"before": {"refuse": {"code": "try_later"}}})).await;
    // The simulator counts the listed refund as money given back, so our own refund is more than the rest.
    world.gateway.rule(&["refund"], None, json!({"lax": true})).await;
    world.gateway.forget("cancel").await;
    world.until_count("it has ended", ENDED, 1).await;
    let books = world.gateway.books().await;
    let refunded: i64 = books.of(&reservation).iter().map(|intent| intent.refunded).sum();
    assert_eq!(refunded, released + PART, "{books:#?}");
}

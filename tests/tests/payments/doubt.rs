//! Requests without a clear answer: whatever the gateway does to one of them, the money is secured once, or not at all.

use super::world::{LONG, PaymentWorld, Plan};
use rstest::rstest;
use serde_json::{Value, json};
use tests::support::PRICE;

/// Sells a seat while the first `times` of these requests go wrong. The seat must be sold, charged and captured once.
async fn sells_although(world: PaymentWorld, on: &str, times: u32, acts: Value) {
    world.gateway.rule(&[on], times, acts).await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    let books = world.close().await;
    let intent = books.only(&reservation);
    assert_eq!((intent.times_secured, intent.times_captured, intent.captured), (1, 1, PRICE));
}

#[rstest]
#[case::create("create")]
#[case::confirm("confirm")]
#[case::capture("capture")]
#[tokio::test]
async fn an_unknown_outcome_after_sending_is_resolved_under_the_same_key(#[case] on: &str) {
    sells_although(PaymentWorld::open().await, on, 1, json!({"after": "close"})).await;
}

#[rstest]
#[case::create("create")]
#[case::confirm("confirm")]
#[case::capture("capture")]
#[tokio::test]
async fn a_request_that_is_done_and_then_hangs_is_done_once(#[case] on: &str) {
    sells_although(PaymentWorld::open().await, on, 1, json!({"after": "hang"})).await;
}

#[rstest]
#[case::create("create")]
#[case::confirm("confirm")]
#[case::capture("capture")]
#[tokio::test]
async fn a_request_that_is_dropped_is_sent_again(#[case] on: &str) {
    sells_although(PaymentWorld::open().await, on, 2, json!({"before": "drop"})).await;
}

#[rstest]
#[case::without_effect("confirm", json!({"before": {"fail": {"status": 503}}}))]
#[case::after_the_effect("confirm", json!({"after": {"fail": {"status": 502}}}))]
#[case::of_the_create("create", json!({"after": {"fail": {"status": 500}}}))]
#[case::of_the_capture("capture", json!({"before": {"fail": {"status": 500}}}))]
#[tokio::test]
async fn a_5xx_is_unknown_and_asked_again(#[case] on: &str, #[case] acts: Value) {
    sells_although(PaymentWorld::open().await, on, 2, acts).await;
}

#[rstest]
#[case::of_the_confirm("confirm")]
#[case::of_the_capture("capture")]
#[tokio::test]
async fn a_stored_5xx_that_hides_a_success_is_looked_behind(#[case] on: &str) {
    sells_although(
        PaymentWorld::open().await,
        on,
        1,
        json!({"after": {"fail": {"status": 500, "kept": true}}}),
    )
    .await;
}

#[tokio::test]
async fn a_stored_5xx_of_a_capture_that_was_not_done_does_not_block_it_for_ever() {
    let acts = json!({"before": {"fail": {"status": 500, "kept": true}}});
    sells_although(PaymentWorld::open().await, "capture", 1, acts).await;
}

#[rstest]
#[case::of_the_create("create", json!({"before": {"fail": {"status": 500, "kept": true}}}))]
#[case::of_a_create_that_was_done("create", json!({"after": {"fail": {"status": 500, "kept": true}}}))]
#[case::of_the_confirm("confirm", json!({"before": {"fail": {"status": 500, "kept": true}}}))]
#[tokio::test]
async fn a_stored_5xx_is_asked_around_under_the_next_key(#[case] on: &str, #[case] acts: Value) {
    let world = PaymentWorld::open().await;
    world.gateway.rule(&[on], 2, acts).await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[rstest]
#[case::of_the_create("create")]
#[case::of_the_confirm("confirm")]
#[tokio::test]
async fn stored_5xx_under_every_key_turn_back_and_nothing_is_charged(#[case] on: &str) {
    let world = PaymentWorld::open().await;
    world.gateway.rule(&[on], None, json!({"before": {"fail": {"status": 500, "kept": true}}})).await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert!(books.intents.iter().all(|intent| intent.status == "canceled"), "{books:#?}");
}

#[tokio::test]
async fn a_429_is_waited_out_as_long_as_it_says() {
    let began = std::time::Instant::now();
    sells_although(
        PaymentWorld::open().await,
        "confirm",
        1,
        json!({"before": {"busy": {"retry_after_s": 1}}}),
    )
    .await;
    assert!(began.elapsed().as_millis() >= 1000);
}

#[tokio::test]
async fn a_429_spends_no_attempts() {
    sells_although(
        PaymentWorld::open().await,
        "confirm",
        12,
        json!({"before": {"busy": {"retry_after_s": 0}}}),
    )
    .await;
}

#[rstest]
#[case::garbage(json!({"after": "garbage"}))]
#[case::an_endless_body(json!({"after": "huge"}))]
#[case::slow_bytes(json!({"after": "slow"}))]
#[case::a_redirect(json!({"after": "redirect"}))]
#[tokio::test]
async fn garbage_endless_and_slow_bodies_and_redirects_are_no_answers(#[case] acts: Value) {
    sells_although(PaymentWorld::open().await, "confirm", 1, acts).await;
}

#[tokio::test]
async fn a_gateway_that_can_not_be_reached_for_a_moment_is_asked_again() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    world.gateway.stop().await;
    let back = async {
        let tried = "select count(*) from usher.sagas where attempts > 0";
        world.until_count("it was tried", tried, 1).await;
        world.gateway.start_again().await;
    };
    futures_util::join!(ada.pay(&reservation, "pm_card_visa"), back);
    ada.until(&reservation, "CONFIRMED").await;
    world.close().await;
}

#[tokio::test]
async fn a_gateway_that_stays_away_costs_the_seats_nothing_but_their_time() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    // More than the attempts of a step: the saga turns back in doubt, and for a while its compensation fails too.
    world.gateway.rule(&["create", "confirm", "search"], 9, json!({"before": "drop"})).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert!(books.intents.iter().all(|intent| intent.status == "canceled"), "{books:#?}");
}

#[tokio::test]
async fn a_late_charge_after_a_not_found_meets_a_cancelled_intent() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    world.gateway.rule(&["search", "list"], None, json!({"blind": true})).await;
    world.gateway.rule(&["confirm"], 5, json!({"before": "drop"})).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.gateway.books().await;
    let intent = books.only(&reservation);
    assert_eq!((intent.status.as_str(), intent.times_secured), ("canceled", 0));
    // A request of ours that was under way all the time arrives now.
    let late = world.gateway.try_post(&format!("payment_intents/{}/confirm", intent.id), None, &[]).await;
    assert_eq!(late.0, 400, "{late:?}");
    world.close().await;
}

#[tokio::test]
async fn a_key_in_use_is_waited_for_and_its_answer_taken() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    world.gateway.rule(&["confirm"], 1, json!({"before": "hang"})).await;
    let twin = async {
        let intent = world
            .until("the first try is out", async || {
                let intent =
                    world.gateway.books().await.of(&reservation).first().map(|found| found.id.clone())?;
                (world.gateway.rules().await == 0).then_some(intent)
            })
            .await;
        // A twin of the saga's own request, as another node would send it: it takes a second.
        world.gateway.rule(&["confirm"], 1, json!({"delay_ms": 1000})).await;
        let key = format!("{}:confirm", world.key_of_pay(&reservation).await);
        let form = [("expand[]", "latest_charge")];
        world.gateway.try_post(&format!("payment_intents/{intent}/confirm"), Some(&key), &form).await
    };
    let (_, (status, body)) = futures_util::join!(ada.pay(&reservation, "pm_card_visa"), twin);
    assert_eq!(status, 200, "{body}");
    ada.until(&reservation, "CONFIRMED").await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).times_secured, 1);
}

#[tokio::test]
async fn lost_requests_in_automatic_capture_charge_once_too() {
    let world = Plan::default().automatic().open().await;
    sells_although(world, "confirm", 1, json!({"after": "close"})).await;
}

#[tokio::test]
async fn a_charge_that_comes_after_nobody_found_it_is_caught() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    world.gateway.rule(&["search"], None, json!({"blind": true})).await;
    world.gateway.rule(&["confirm"], 1, json!({"before": {"late": {"after_ms": 1000}}})).await;
    world.gateway.rule(&["confirm"], 4, json!({"before": "drop"})).await;
    ada.pay(&reservation, "pm_card_visa").await;
    // If the charge is seen in time, the seat is booked. If it is seen too late, the money is released.
    world.at_rest(&reservation).await;
    let books = world.close().await;
    let booked = ada_booked(&world).await;
    assert_eq!(books.only(&reservation).captured, booked * PRICE);
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn of_a_payment_in_doubt_every_intent_is_let_go(#[case] plan: Plan) {
    let world = plan.open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    // The payment is charged, also in another tab, and then neither answers, reads nor webhooks tell of it.
    world.gateway.rule(&["confirm"], 1, json!({"after": "close", "again_after_ms": 0})).await;
    world.gateway.rule(&["read"], 4, json!({"before": "drop"})).await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    let kept: i64 = books.of(&reservation).iter().map(|intent| intent.captured - intent.refunded).sum();
    assert_eq!((books.of(&reservation).len(), kept), (2, 0), "{books:#?}");
}

/// Otherwise the compensation for one customer would cancel the intent with which another pays.
#[tokio::test]
async fn what_a_search_shows_of_another_payment_is_not_let_go() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["confirm"], 1, json!({"after": "close"})).await;
    world.gateway.rule(&["read"], 4, json!({"before": "drop"})).await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    let other = uuid::Uuid::now_v7().to_string();
    world.gateway.rule(&["search"], None, json!({"lie": {"payment_id": other}})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let cause = world.stuck(&reservation).await;
    assert!(cause["contradicted"].is_object(), "{cause}");
    assert_eq!(world.gateway.books().await.only(&reservation).status, "requires_capture");
}

async fn ada_booked(world: &PaymentWorld) -> i64 {
    world.count("select count(*) from booking.bookings where status = 'CONFIRMED'").await
}

#[rstest]
#[case::create("create")]
#[case::confirm("confirm")]
#[tokio::test]
async fn a_key_that_another_request_has_used_charges_nothing(#[case] on: &str) {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    world.gateway.rule(&[on], 5, json!({"before": "key_reused"})).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "EXPIRED").await;
    let books = world.close().await;
    assert!(books.intents.iter().all(|intent| intent.times_secured == 0), "{books:#?}");
}

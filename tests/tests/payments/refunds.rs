//! Money on its way back: asked for by us, made elsewhere, pending, failed; and disputes, which freeze it.

use super::{
    customer::Customer,
    world::{LONG, PaymentWorld, Plan},
};
use rstest::rstest;
use serde_json::{Value, json};
use tests::support::{PRICE, Show};

/// A customer with a booking whose money is captured.
pub struct Booked<'a> {
    pub ada: Customer<'a>,
    pub show: Show,
    pub reservation: Value,
    pub booking: String,
    pub intent: String,
}

pub async fn booked<'a>(world: &'a PaymentWorld, method: &str) -> Booked<'a> {
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, method).await;
    let found = ada.until(&reservation, "CONFIRMED").await;
    world.rest().await;
    let booking = format!("/bookings/{}", found["booking_id"].as_str().unwrap());
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    Booked { ada, show, reservation, booking, intent }
}

impl Booked<'_> {
    pub async fn read(&self) -> Value {
        self.ada.get(&self.booking).await.is(200)
    }

    pub async fn cancel(&self) -> super::customer::Answer {
        self.ada.post(&format!("{}/cancellation", self.booking), json!({"reason": "ill"})).await
    }

    /// Waits until this amount has gone back, in minor units.
    pub async fn until_refunded(&self, world: &PaymentWorld, minor: i64) -> Value {
        world
            .until_heard(&format!("{minor} went back"), async || {
                let found = self.read().await;
                (found["refund"]["refunded"]["amount"] == minor).then_some(found)
            })
            .await
    }
}

#[rstest]
#[case::manual(Plan::default())]
#[case::automatic(Plan::default().automatic())]
#[tokio::test]
async fn a_cancelled_booking_gives_the_money_back_and_then_the_seats(#[case] plan: Plan) {
    let world = plan.open().await;
    let booked = booked(&world, "pm_card_visa").await;
    let answer = booked.cancel().await;
    assert_eq!(answer.location, booked.booking);
    assert_eq!(answer.is(202)["status"], "CANCELLED");
    booked.until_refunded(&world, PRICE).await;
    world.rest().await;
    let again = booked.ada.reserve(&booked.show, &[0]).await;
    booked.ada.pay(&again, "pm_card_visa").await;
    booked.ada.until(&again, "CONFIRMED").await;
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunded, PRICE);
}

#[tokio::test]
async fn a_booking_is_cancelled_once_however_often_it_is_asked_for() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    let answers = futures_util::future::join_all((0..10).map(|_| booked.cancel())).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(accepted, 1, "{answers:#?}");
    for refused in answers.into_iter().filter(|answer| answer.status != 202) {
        refused.problem(409, "cancellation-closed");
    }
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunds.len(), 1);
}

#[tokio::test]
async fn after_the_event_has_begun_nothing_is_cancelled() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    let begun = "update booking.events set starts_at = now() - interval '1 minute'";
    sqlx::query(begun).execute(&world.pool).await.unwrap();
    booked.cancel().await.problem(409, "cancellation-closed");
    world.close().await;
}

#[tokio::test]
async fn a_cancellation_while_the_money_is_being_taken_waits_for_it() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["capture"], 2, json!({"before": "drop"})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let found = ada.until(&reservation, "CONFIRMED").await;
    let path = format!("/bookings/{}/cancellation", found["booking_id"].as_str().unwrap());
    ada.post(&path, json!({})).await.is(202);
    let books = world.close().await;
    let intent = books.only(&reservation);
    assert_eq!((intent.captured, intent.refunded), (PRICE, PRICE));
}

#[rstest]
#[case::unknown(json!({"after": "close"}), 2)]
#[case::dropped(json!({"before": "drop"}), 2)]
#[case::a_5xx(json!({"after": {"fail": {"status": 502}}}), 2)]
#[case::a_stored_5xx_that_was_done(json!({"after": {"fail": {"status": 500, "kept": true}}}), 1)]
#[case::a_stored_5xx_that_was_not_done(json!({"before": {"fail": {"status": 500, "kept": true}}}), 1)]
#[case::busy(json!({"before": {"busy": {"retry_after_s": 0}}}), 5)]
#[tokio::test]
async fn a_refund_without_a_clear_answer_is_made_once(#[case] acts: Value, #[case] times: u32) {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.rule(&["refund"], times, acts).await;
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    let books = world.close().await;
    let intent = books.only(&booked.reservation);
    assert_eq!((intent.refunded, intent.refunds.len()), (PRICE, 1), "{intent:#?}");
}

#[tokio::test]
async fn a_refund_that_fails_again_and_again_stays_a_visible_debt_until_it_is_settled() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.rule(&["refund"], None, json!({"before": "drop"})).await;
    let cancelled = booked.cancel().await.is(202);
    assert_eq!(cancelled["refund"]["amount"]["amount"], PRICE);
    assert_eq!(cancelled["refund"]["refunded"]["amount"], 0);
    let tried = "select count(*) from usher.sagas where workflow = 'cancellation' and attempts >= 3";
    world.until_count("it was tried three times", tried, 1).await;
    let owed = "select count(*) from booking.ledger_imbalance where account = 'owed'";
    assert_eq!(world.count(owed).await, 1, "a debt is visible");
    assert_eq!(world.count("select count(*) from booking.seats where status = 'AVAILABLE'").await, 0);
    world.gateway.behave().await;
    booked.until_refunded(&world, PRICE).await;
    world.rest().await;
    assert_eq!(world.count(owed).await, 0);
    world.close().await;
}

#[rstest]
#[case::pending_at_first(json!({"refund": {"pend_then": {"after_ms": 50, "then": "fail"}}}))]
#[case::succeeded_at_first(json!({"refund": {"succeed_then_fail": {"after_ms": 50}}}))]
#[tokio::test]
async fn a_refund_that_fails_later_is_owed_again_and_sent_again(#[case] acts: Value) {
    let world = Plan::default().with("USHER_GATEWAY_REPAYMENTS_APART_MS", "0").open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.rule(&["refund"], 2, acts).await;
    booked.cancel().await.is(202);
    let repaid = "select count(*) from usher.sagas where workflow = 'repayment' and state = 'completed'";
    world.until_count("it was sent again, twice", repaid, 2).await;
    let books = world.close().await;
    let intent = books.only(&booked.reservation);
    let statuses: Vec<_> = intent.refunds.iter().map(|refund| refund.status.as_str()).collect();
    assert_eq!((intent.refunded, statuses), (PRICE, vec!["failed", "failed", "succeeded"]));
}

#[tokio::test]
async fn a_refund_that_is_called_off_at_the_gateway_is_sent_again() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.rule(&["refund"], 1, json!({"refund": "pend"})).await;
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    let refund = world.gateway.books().await.only(&booked.reservation).refunds[0].id.clone();
    world.gateway.control(&format!("refunds/{refund}/cancel"), json!({})).await;
    let repaid = "select count(*) from usher.sagas where workflow = 'repayment' and state = 'completed'";
    world.until_count("it was sent again", repaid, 1).await;
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunded, PRICE);
}

#[tokio::test]
async fn a_refund_of_the_way_back_that_fails_later_is_sent_again() {
    let world = Plan::default().automatic().open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    // The payment is charged, and then its outcome can't be known: the saga turns back and refunds.
    world.gateway.rule(&["confirm"], 1, json!({"after": "close"})).await;
    world.gateway.rule(&["read"], 4, json!({"before": "drop"})).await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    world
        .gateway
        .rule(&["refund"], 1, json!({"refund": {"pend_then": {"after_ms": 10, "then": "fail"}}}))
        .await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    ada.until(&reservation, "EXPIRED").await;
    let repaid = "select count(*) from usher.sagas where workflow = 'repayment' and state = 'completed'";
    world
        .until("it was sent again", async || {
            world.a_minute_later().await;
            (world.count(repaid).await == 1).then_some(())
        })
        .await;
    let books = world.close().await;
    assert_eq!(books.only(&reservation).refunded, PRICE);
}

#[tokio::test]
async fn a_partial_refund_made_in_the_dashboard_is_taken_in() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.control(&format!("intents/{}/refund", booked.intent), json!({"amount": 500})).await;
    let found = booked.until_refunded(&world, 500).await;
    assert_eq!(found["status"], "CONFIRMED");
    let payment = json!({"payment_id": found["payment_id"]});
    let payment = booked.ada.payment(&payment).await;
    assert_eq!((&payment["status"], &payment["refunded"]["amount"]), (&json!("SUCCESS"), &json!(500)));
    let told = "select count(*) from usher.outbox
        where kind = 'payment.refunded' and payload -> 'amount' ->> 'amount' = '500'";
    world.until_count("the outside is told", told, 1).await;
    world.close_having_given_back(500).await;
}

#[tokio::test]
async fn a_full_refund_made_in_the_dashboard_leaves_a_booking_without_money_that_is_seen() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.control(&format!("intents/{}/refund", booked.intent), json!({})).await;
    let found = booked.until_refunded(&world, PRICE).await;
    assert_eq!(found["status"], "CONFIRMED");
    world.rest().await;
    assert_eq!(world.violations("booking_money").await, 1);
    booked.cancel().await.is(202);
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunded, PRICE);
}

#[tokio::test]
async fn after_a_partial_refund_a_cancellation_gives_back_the_rest() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.control(&format!("intents/{}/refund", booked.intent), json!({"amount": 500})).await;
    booked.until_refunded(&world, 500).await;
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    let books = world.close().await;
    let amounts: Vec<_> =
        books.only(&booked.reservation).refunds.iter().map(|refund| refund.amount).collect();
    assert_eq!(amounts, [500, PRICE - 500]);
}

#[tokio::test]
async fn a_partial_refund_that_nobody_told_us_of_is_not_paid_twice() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    world.gateway.control(&format!("intents/{}/refund", booked.intent), json!({"amount": 500})).await;
    booked.cancel().await.is(202);
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunded, PRICE);
}

#[tokio::test]
async fn an_authorisation_that_lapses_before_the_capture_needs_a_person_and_names_the_booking() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["capture"], None, json!({"before": "drop"})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let found = ada.until(&reservation, "CONFIRMED").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    world.gateway.control(&format!("intents/{intent}/lapse"), json!({})).await;
    world.gateway.behave().await;
    let cause = world.stuck(&reservation).await;
    let booking = found["booking_id"].as_str().unwrap();
    assert!(cause["refused_after_pivot"]["error"].as_str().unwrap().contains(booking), "{cause}");
}

#[tokio::test]
async fn a_peer_that_takes_a_capture_after_a_cancel_is_not_believed() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    world.gateway.rule(&["capture"], 1, json!({"before": "drop"})).await;
    world.gateway.rule(&["capture"], None, json!({"lax": true, "delay_ms": 300})).await;
    let reservation = ada.reserve(&show, &[0]).await;
    let lapses = async {
        ada.until(&reservation, "CONFIRMED").await;
        let intent = world.gateway.books().await.only(&reservation).id.clone();
        world.gateway.control(&format!("intents/{intent}/lapse"), json!({})).await;
    };
    futures_util::join!(ada.pay(&reservation, "pm_card_visa"), lapses);
    let cause = world.stuck(&reservation).await;
    assert!(cause["refused_after_pivot"].is_object(), "{cause}");
    assert_eq!(world.count("select count(*) from booking.payments where money = 'CAPTURED'").await, 0);
}

#[tokio::test]
async fn while_a_dispute_runs_nothing_is_given_back() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.control(&format!("intents/{}/dispute", booked.intent), json!({})).await;
    world.until_count("it is known", "select count(*) from booking.payments where disputed", 1).await;
    let problem = booked.cancel().await.problem(409, "cancellation-closed");
    assert!(problem["detail"].as_str().unwrap().contains("dispute"), "{problem}");
    world.gateway.control(&format!("intents/{}/dispute", booked.intent), json!({"status": "won"})).await;
    world.until_count("it is over", "select count(*) from booking.payments where disputed", 0).await;
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    world.close().await;
}

#[tokio::test]
async fn a_dispute_that_is_lost_is_written_down() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_createDispute").await;
    world.until_count("it is known", "select count(*) from booking.payments where disputed", 1).await;
    world.gateway.control(&format!("intents/{}/dispute", booked.intent), json!({"status": "lost"})).await;
    let lost = "select count(*) from booking.ledger where kind = 'dispute_lost'";
    world.until_count("it is lost", lost, 1).await;
    assert_eq!(booked.read().await["status"], "CONFIRMED");
    assert_eq!(world.violations("booking_money").await, 1, "a booking without its money is for a person");
}

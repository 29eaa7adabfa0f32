//! Disputes, won, lost, withdrawn and opened again: before, during and after refunds. In each the books agree at the end.

use super::{
    reconcile::{assert_resolved, only, reconcile},
    refunds::{Booked, booked},
    repayments::act,
    world::PaymentWorld,
};
use operator::Action;
use orchestrator::SagaId;
use rstest::rstest;
use serde_json::{Value, json};
use service::reconcile::Class;
use tests::support::PRICE;

const OPEN: &str = "select count(*) from booking.payments where disputed";
const FREE: &str = "select count(*) from booking.seats where status = 'AVAILABLE'";

async fn dispute(world: &PaymentWorld, booked: &Booked<'_>, details: Value) {
    world.gateway.control(&format!("intents/{}/dispute", booked.intent), details).await;
}

/// Opens a dispute over this amount (`null`: all of the payment), and waits until our books have it.
async fn open(world: &PaymentWorld, booked: &Booked<'_>, amount: Value) {
    dispute(world, booked, json!({"amount": amount})).await;
    world.until_count_heard("the dispute is known", OPEN, 1).await;
}

/// Ends the dispute with this status, and waits until our books have it.
async fn end(world: &PaymentWorld, booked: &Booked<'_>, status: &str) {
    dispute(world, booked, json!({"status": status})).await;
    world.until_count_heard("the dispute is over", OPEN, 0).await;
}

/// Waits until everything is at rest, and asserts that our books agree with themselves and with the gateway's. Gives
/// what the gateway gave back.
async fn agree(world: &PaymentWorld, booked: &Booked<'_>) -> i64 {
    world.rest().await;
    let report = reconcile(world).await;
    assert_eq!(report.differing(), 0, "{report:#?}");
    world.verify().await;
    let off = "select count(*) from booking.money_by_currency where difference_minor <> 0";
    assert_eq!(world.count(off).await, 0);
    world.gateway.books().await.only(&booked.reservation).refunded
}

/// A cancellation whose refund waits because the payment is disputed.
async fn waiting_cancellation(world: &PaymentWorld, booked: &Booked<'_>) -> SagaId {
    world.gateway.rule(&["refund"], None, json!({"before": "drop"})).await;
    booked.cancel().await.is(202);
    let tried = "select count(*) from usher.sagas where workflow = 'cancellation' and attempts >= 1";
    world.until_count("the refund is tried", tried, 1).await;
    open(world, booked, Value::Null).await;
    world.gateway.behave().await;
    let look = "select id from usher.sagas where workflow = 'cancellation' and state = 'waiting'
        and due_at > now() + interval '5 minutes'";
    let waits = async || sqlx::query_scalar(look).fetch_optional(&world.pool).await.unwrap();
    SagaId::from_uuid(world.until("the refund waits for the dispute's end", waits).await)
}

#[tokio::test]
async fn a_dispute_lost_before_the_cancellation_gives_nothing_back_and_frees_the_seats() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    open(&world, &booked, Value::Null).await;
    end(&world, &booked, "lost").await;
    let case = only(&world, Class::BookingWithoutMoney, 0, 0).await;
    booked.cancel().await.is(202);
    world.rest().await;
    assert_eq!(world.count(FREE).await, 1);
    assert_resolved(&world, &case).await;
    assert_eq!(agree(&world, &booked).await, 0);
}

#[tokio::test]
async fn after_a_part_was_lost_in_a_dispute_a_cancellation_gives_back_the_rest() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    open(&world, &booked, json!(500)).await;
    end(&world, &booked, "lost").await;
    booked.cancel().await.is(202);
    assert_eq!(agree(&world, &booked).await, PRICE - 500);
}

#[rstest]
#[case::won("won")]
#[case::withdrawn("withdrawn")]
#[tokio::test]
async fn after_a_dispute_that_was_won_or_withdrawn_a_cancellation_gives_all_back(#[case] status: &str) {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    open(&world, &booked, Value::Null).await;
    end(&world, &booked, status).await;
    booked.cancel().await.is(202);
    assert_eq!(agree(&world, &booked).await, PRICE);
}

#[tokio::test]
async fn a_dispute_lost_while_a_refund_is_owed_ends_the_refund_and_frees_the_seats() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    let saga = waiting_cancellation(&world, &booked).await;
    end(&world, &booked, "lost").await;
    act(&world, saga, Action::RetryNow).await;
    world.until_count("the seats are on sale", FREE, 1).await;
    assert_eq!(agree(&world, &booked).await, 0);
}

#[rstest]
#[case::won("won")]
#[case::withdrawn("withdrawn")]
#[tokio::test]
async fn a_dispute_won_or_withdrawn_while_a_refund_is_owed_lets_the_refund_go(#[case] status: &str) {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    let saga = waiting_cancellation(&world, &booked).await;
    end(&world, &booked, status).await;
    act(&world, saga, Action::RetryNow).await;
    booked.until_refunded(&world, PRICE).await;
    assert_eq!(agree(&world, &booked).await, PRICE);
}

#[rstest]
#[case::lost("lost", PRICE)]
#[case::won("won", 0)]
#[case::withdrawn("withdrawn", 0)]
#[tokio::test]
async fn a_dispute_after_the_refund_costs_us_what_is_lost_and_the_books_say_so(
    #[case] status: &str,
    #[case] cost: i64,
) {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    world.rest().await;
    open(&world, &booked, Value::Null).await;
    end(&world, &booked, status).await;
    let own = "select sum(own_minor)::bigint from booking.ledger_sums";
    assert_eq!(world.count(own).await, cost);
    assert_eq!(agree(&world, &booked).await, PRICE);
}

#[tokio::test]
async fn a_refund_that_fails_after_the_dispute_was_lost_is_not_sent_again() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    world.rest().await;
    open(&world, &booked, Value::Null).await;
    end(&world, &booked, "lost").await;
    let refund = world.gateway.books().await.only(&booked.reservation).refunds[0].id.clone();
    world.gateway.control(&format!("refunds/{refund}/fail"), json!({})).await;
    let repaid = "select count(*) from usher.sagas where workflow = 'repayment' and state = 'completed'";
    world.until_count_heard("the failure is known", repaid, 1).await;
    assert_eq!(agree(&world, &booked).await, 0);
}

#[tokio::test]
async fn a_dispute_that_is_opened_again_after_it_was_won_can_still_be_lost() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    open(&world, &booked, Value::Null).await;
    end(&world, &booked, "won").await;
    world.rest().await;
    let long_ago = "update booking.ledger set at = at - interval '1 hour' where kind like 'dispute%'";
    sqlx::query(long_ago).execute(&world.pool).await.unwrap();
    dispute(&world, &booked, json!({"status": "needs_response"})).await;
    world.until_count_heard("it is open again", OPEN, 1).await;
    booked.cancel().await.problem(409, "cancellation-closed");
    end(&world, &booked, "lost").await;
    booked.cancel().await.is(202);
    assert_eq!(agree(&world, &booked).await, 0);
}

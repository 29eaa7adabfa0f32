//! Refunds that fail after they were acknowledged: they are sent again a few times, and then need a person.

use super::{
    refunds::{Booked, booked},
    world::{PaymentWorld, Plan},
};
use operator::{Action, By, Expected, Operator};
use orchestrator::SagaId;
use serde_json::{Value, json};
use tests::support::PRICE;

/// A world in which repayments follow each other at once.
async fn at_once() -> PaymentWorld {
    Plan::default().with("USHER_GATEWAY_REPAYMENTS_APART_MS", "0").open().await
}

fn fails_later() -> Value {
    json!({"refund": {"pend_then": {"after_ms": 20, "then": "fail"}}})
}

/// What a person reads about the only stuck repayment.
async fn stuck_repayment(world: &PaymentWorld) -> (SagaId, String) {
    let look = "select id, stuck::text from usher.sagas where workflow = 'repayment' and state = 'stuck'";
    let found: (uuid::Uuid, String) = world
        .until_heard("a repayment is stuck", async || {
            sqlx::query_as(look).fetch_optional(&world.pool).await.unwrap()
        })
        .await;
    (SagaId::from_uuid(found.0), found.1)
}

/// An operator acts on a saga.
pub async fn act(world: &PaymentWorld, saga: SagaId, action: Action) {
    let desk = Operator::of(&world.service.client);
    let by = || By::new("ada", "the customer has another card now");
    let plan = desk.plan(saga, action.clone(), by()).await.unwrap();
    let expected = Expected { etag: plan.etag.clone(), plan_hash: Some(plan.hash.clone()) };
    desk.execute(saga, action, by(), expected).await.unwrap();
}

async fn refund_by_hand(world: &PaymentWorld, booked: &Booked<'_>, details: Value) -> String {
    let made = world.gateway.control(&format!("intents/{}/refund", booked.intent), details).await;
    made["id"].as_str().unwrap().to_owned()
}

const OWED: &str = "select coalesce(sum(owed_minor), 0)::bigint from booking.ledger_sums";

#[tokio::test]
async fn a_refund_that_always_fails_is_sent_three_times_and_then_a_person_sees_what_is_owed() {
    let world = at_once().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.rule(&["refund"], None, fails_later()).await;
    booked.cancel().await.is(202);
    let (saga, cause) = stuck_repayment(&world).await;
    assert!(cause.contains("125.00 EUR is still owed"), "{cause}");
    assert_eq!(world.gateway.books().await.only(&booked.reservation).refunds.len(), 3);
    assert_eq!(world.count(OWED).await, PRICE);
    world.verify().await;
    // Another attempt sends no refund.
    act(&world, saga, Action::RetryNow).await;
    stuck_repayment(&world).await;
    assert_eq!(world.gateway.books().await.only(&booked.reservation).refunds.len(), 3);
    world.gateway.behave().await;
    refund_by_hand(&world, &booked, json!({})).await;
    booked.until_refunded(&world, PRICE).await;
    act(&world, saga, Action::RetryNow).await;
    world.close().await;
}

#[tokio::test]
async fn the_second_repayment_waits_for_a_day() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    world.gateway.rule(&["refund"], 2, fails_later()).await;
    booked.cancel().await.is(202);
    let waits = "select count(*) from usher.sagas
        where workflow = 'repayment' and state = 'waiting' and due_at > now() + interval '23 hours'";
    world.until_count_heard("it waits for a day", waits, 1).await;
    assert_eq!(world.gateway.books().await.only(&booked.reservation).refunds.len(), 2);
    assert_eq!(world.count(OWED).await, PRICE);
}

#[tokio::test]
async fn a_refund_made_in_the_dashboard_that_fails_is_not_sent_again_and_the_booking_keeps_its_money() {
    let world = at_once().await;
    let booked = booked(&world, "pm_card_visa").await;
    let refund = refund_by_hand(&world, &booked, json!({"amount": 500})).await;
    booked.until_refunded(&world, 500).await;
    world.gateway.control(&format!("refunds/{refund}/fail"), json!({})).await;
    let (saga, cause) = stuck_repayment(&world).await;
    assert!(cause.contains("by hand") && cause.contains("5.00 EUR"), "{cause}");
    assert_eq!(world.count(OWED).await, 0);
    world.verify().await;
    act(&world, saga, Action::MarkResolved { output: resolved() }).await;
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunds.len(), 1);
}

#[tokio::test]
async fn of_refunds_made_in_the_dashboard_that_fail_together_each_is_a_persons() {
    let world = at_once().await;
    let booked = booked(&world, "pm_card_visa").await;
    let mut refunds = Vec::new();
    for amount in [500, 700] {
        refunds.push(refund_by_hand(&world, &booked, json!({"amount": amount})).await);
    }
    booked.until_refunded(&world, 1200).await;
    world.rest().await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"hold": true}})).await;
    for refund in &refunds {
        world.gateway.control(&format!("refunds/{refund}/fail"), json!({})).await;
    }
    world.gateway.behave().await;
    world.gateway.control("webhooks/release", json!({})).await;
    let stuck = "select count(*) from usher.sagas where workflow = 'repayment' and state = 'stuck'";
    world.until_count_heard("both need a person", stuck, 2).await;
    // The whole price goes back, and each of the two sees it.
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    let sagas = "select id from usher.sagas where workflow = 'repayment' and state = 'stuck'";
    let sagas: Vec<uuid::Uuid> = sqlx::query_scalar(sagas).fetch_all(&world.pool).await.unwrap();
    for saga in sagas {
        act(&world, SagaId::from_uuid(saga), Action::RetryNow).await;
    }
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunded, PRICE);
}

#[tokio::test]
async fn a_refund_made_in_the_dashboard_of_a_cancelled_booking_that_fails_stays_owed_until_a_person_pays() {
    let world = at_once().await;
    let booked = booked(&world, "pm_card_visa").await;
    let refund = refund_by_hand(&world, &booked, json!({})).await;
    booked.until_refunded(&world, PRICE).await;
    booked.cancel().await.is(202);
    world.rest().await;
    world.gateway.control(&format!("refunds/{refund}/fail"), json!({})).await;
    let (saga, _) = stuck_repayment(&world).await;
    assert_eq!(world.count(OWED).await, PRICE);
    world.verify().await;
    refund_by_hand(&world, &booked, json!({})).await;
    booked.until_refunded(&world, PRICE).await;
    act(&world, saga, Action::RetryNow).await;
    let books = world.close().await;
    assert_eq!(books.only(&booked.reservation).refunds.len(), 2);
}

/// The result that an operator gives a resolved repayment: none.
fn resolved() -> orchestrator::journal::Json {
    serde_json::value::RawValue::from_string("null".to_owned()).unwrap().into()
}

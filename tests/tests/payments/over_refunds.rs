//! Refunds of more than was taken: a person at the gateway's dashboard, beside our own refund, where the gateway allows it.

use super::{
    reconcile::{assert_resolved, only, reconcile},
    refunds::booked,
    world::PaymentWorld,
};
use chrono::Utc;
use operator::By;
use serde_json::json;
use service::reconcile::{Class, take_in};
use tests::support::PRICE;
use tokio_util::task::TaskTracker;

const OWN: &str = "select coalesce(sum(own_minor), 0)::bigint from booking.ledger_sums";

#[tokio::test]
async fn a_refund_too_much_is_a_case_until_a_person_takes_it_in() {
    let world = PaymentWorld::open().await;
    let booked = booked(&world, "pm_card_visa").await;
    booked.cancel().await.is(202);
    booked.until_refunded(&world, PRICE).await;
    world.rest().await;
    world.gateway.rule(&["refund"], 1, json!({"lax": true})).await;
    let order = [("payment_intent", booked.intent.as_str()), ("amount", "500")];
    let refund = world.gateway.post("refunds", &order).await["id"].as_str().unwrap().to_owned();
    // The news is dealt with once: the inbox comes to rest.
    world.rest().await;
    world.verify().await;
    assert_eq!(world.count(OWN).await, 0);
    let case = only(&world, Class::RefundTooMuch, PRICE, PRICE + 500).await;

    let tasks = TaskTracker::new();
    for new in [1, 0] {
        let by = By::new("ada", "a colleague was too generous");
        let taken = take_in((&world.pool, &tasks), &world.service.gateway, &case, by, Utc::now()).await;
        assert_eq!(taken.unwrap(), new);
    }
    assert_eq!(world.count(OWN).await, 500);
    assert_resolved(&world, &case).await;
    let told = "select count(*) from usher.outbox
        where kind = 'payment.refunded' and payload -> 'amount' ->> 'amount' = '500'";
    world.until_count("the outside is told", told, 1).await;
    world.rest().await;
    world.verify().await;

    // It fails after all: nothing is owed, because nothing of the payment had gone back with it.
    world.gateway.control(&format!("refunds/{refund}/fail"), json!({})).await;
    world.until_count_heard("our own pocket has it again", OWN, 0).await;
    world.rest().await;
    world.verify().await;
    assert_eq!(reconcile(&world).await.differing(), 0);
}

//! What a person can do to a payment by `/control`, as if at the gateway's own dashboard.

use super::world::{World, key, order};
use serde_json::json;
use steps::gateway::{
    FactKind, GatewayError, IntentStatus, RefundOrder, RefundStatus, Trace, fact::DisputeStage,
};

#[tokio::test]
async fn pending_payments_are_ended_by_hand() {
    let world = World::with(|config| config.settle_delay = std::time::Duration::from_secs(3600)).await;
    for (method, verb, status) in [
        ("pm_processing_settles", "settle", IntentStatus::RequiresCapture),
        ("pm_processing_settles", "fail", IntentStatus::RequiresPaymentMethod),
        ("pm_card_authenticationRequired", "approve", IntentStatus::RequiresCapture),
        ("pm_card_authenticationRequired", "deny", IntentStatus::RequiresPaymentMethod),
    ] {
        let order = order(method);
        let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
        world.control(&format!("intents/{}/{verb}", intent.id), json!({})).await;
        assert_eq!(world.gateway.read(&intent.id).await.unwrap().status, status, "{method} {verb}");
    }
}

#[tokio::test]
async fn a_lapsed_authorisation_can_not_be_captured() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.control(&format!("intents/{}/lapse", intent.id), json!({})).await;
    let refused = world.gateway.capture(&intent.id, order.money, &key(&order)).await;
    let Err(GatewayError::WrongState { intent: Some(intent), .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(intent.status, IntentStatus::Canceled);
    assert!(world.kinds(2).await.contains(&FactKind::Cancelled));
}

#[tokio::test]
async fn a_partial_refund_in_the_dashboard_is_told_and_carries_none_of_our_ids() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.gateway.capture(&intent.id, order.money, &key(&order)).await.unwrap();
    world.control(&format!("intents/{}/refund", intent.id), json!({"amount": 500})).await;
    let refunds = world.gateway.refunds(&intent.id).await.unwrap();
    assert_eq!((refunds.len(), refunds[0].money.amount, refunds[0].trace), (1, 500, Trace::default()));
    world.kinds(4).await;
    let fact = world.facts().into_iter().find(|fact| fact.kind == FactKind::ChargeRefunded).unwrap();
    assert_eq!((fact.money.unwrap().amount, fact.trace), (500, order.trace), "the charge carries them");

    let pending = world
        .control(
            &format!("intents/{}/refund", intent.id),
            json!({"amount": 7, "then": "fail", "after_ms": 60_000}),
        )
        .await;
    world.control(&format!("refunds/{}/fail", pending["id"].as_str().unwrap()), json!({})).await;
    let refunds = world.gateway.refunds(&intent.id).await.unwrap();
    assert_eq!(refunds[0].status, RefundStatus::Failed);
    assert_eq!(world.gateway.read(&intent.id).await.unwrap().amount_refunded, Some(500));
}

#[tokio::test]
async fn a_dispute_freezes_refunds_until_it_is_closed() {
    let world = World::new().await;
    let order = order("pm_card_createDispute");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.gateway.capture(&intent.id, order.money, &key(&order)).await.unwrap();
    let refund = RefundOrder { intent: intent.id.clone(), money: order.money, trace: order.trace };
    let frozen = world.gateway.refund(&refund, "a").await;
    assert!(matches!(frozen, Err(GatewayError::WrongState { code, .. }) if code == "charge_disputed"));
    world.control(&format!("intents/{}/dispute", intent.id), json!({"status": "won"})).await;
    world.gateway.refund(&refund, "b").await.unwrap();
    let stages = async || {
        let facts = world.facts().into_iter();
        let stages: Vec<_> = facts
            .filter_map(|fact| match fact.kind {
                FactKind::Dispute { stage, .. } => Some(stage),
                _ => None,
            })
            .collect();
        (stages.len() == 2).then_some(stages)
    };
    let mut stages = world.until("the dispute's news", stages).await;
    stages.sort_by_key(|stage| *stage == DisputeStage::Closed);
    assert_eq!(stages, [DisputeStage::Opened, DisputeStage::Closed]);
}

#[tokio::test]
async fn rules_are_listed_deleted_and_cleared() {
    let world = World::new().await;
    let one = world.control("rules", json!({"do": {"delay_ms": 1}})).await["id"].clone();
    world.rule(json!({"do": {"delay_ms": 2}})).await;
    let count = async || world.get("rules").await["rules"].as_array().unwrap().len();
    assert_eq!(count().await, 2);
    world.http.delete(format!("{}/control/rules/{one}", world.url)).send().await.unwrap();
    assert_eq!(count().await, 1);
    world.http.delete(format!("{}/control/rules", world.url)).send().await.unwrap();
    assert_eq!(count().await, 0);
    let bad = world.http.post(format!("{}/control/rules", world.url)).json(&json!({"do": {"explode": 1}}));
    assert_eq!(bad.send().await.unwrap().status(), 422);
}

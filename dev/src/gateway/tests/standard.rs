//! The standard protocol: the other adapter of `steps` against the simulator, over HTTP, with its webhooks.

use super::super::Speak;
use super::world::{World, key, no_doubles, order};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use steps::gateway::{
    CancelReason, CaptureMethod, Currency, Doubt, FactKind, GatewayError, IntentStatus, Money, Order,
    RefundOrder, RefundStatus, Trace, Window,
};

async fn world() -> World {
    World::with(|config| config.speak = Speak::Standard).await
}

#[tokio::test]
async fn money_is_held_taken_returned_and_every_step_is_told() {
    let world = world().await;
    let order = order("pm_card_visa");
    let held = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    held.check(&order).unwrap();
    assert_eq!(held.status, IntentStatus::RequiresCapture);
    let taken = world.gateway.capture(&held.id, order.money, &key(&order)).await.unwrap();
    assert_eq!((taken.status, taken.amount_received), (IntentStatus::Succeeded, Some(12_500)));
    let part = Money::new(500, Currency::EUR);
    let back = RefundOrder { intent: held.id.clone(), money: part, trace: order.trace };
    let refund = world.gateway.refund(&back, &key(&order)).await.unwrap();
    assert_eq!((refund.money, refund.status, refund.trace), (part, RefundStatus::Succeeded, order.trace));
    assert_eq!(world.gateway.refunds(&held.id).await.unwrap(), std::slice::from_ref(&refund));
    assert_eq!(world.gateway.read(&held.id).await.unwrap().amount_refunded, Some(500));
    let mut kinds = world.kinds(3).await;
    kinds.sort_by_key(|kind| format!("{kind:?}"));
    let changed = FactKind::Refund { id: refund.id, status: RefundStatus::Succeeded };
    assert_eq!(kinds, [FactKind::Authorised, FactKind::Captured, changed]);
    assert!(world.facts().iter().all(|fact| fact.provider == "standard" && fact.trace == order.trace));
}

#[tokio::test]
async fn a_charge_that_takes_at_once_is_taken_and_a_dropped_one_is_dropped() {
    let world = world().await;
    let at_once = Order { capture: CaptureMethod::Automatic, ..order("pm_card_visa") };
    let taken = world.gateway.authorise(&at_once, &key(&at_once)).await.unwrap();
    taken.check(&at_once).unwrap();
    assert_eq!(taken.amount_received, Some(12_500));
    let refused = world.gateway.cancel(&taken.id, CancelReason::Abandoned, &key(&at_once)).await;
    assert!(matches!(refused, Err(GatewayError::WrongState { intent: Some(_), .. })), "{refused:?}");
    let other = order("pm_card_visa");
    let held = world.gateway.authorise(&other, &key(&other)).await.unwrap();
    for _ in 0..2 {
        let dropped = world.gateway.cancel(&held.id, CancelReason::Abandoned, &key(&other)).await.unwrap();
        assert_eq!(dropped.status, IntentStatus::Canceled);
    }
}

#[tokio::test]
async fn a_bank_that_says_no_names_its_reason() {
    let world = world().await;
    let order = order("pm_card_chargeDeclinedLostCard");
    let error = world.gateway.authorise(&order, &key(&order)).await.unwrap_err();
    assert!(
        matches!(&error, GatewayError::Declined { decline_code: Some(why), intent: Some(_), .. } if why == "lost_card"),
        "{error:?}"
    );
    assert_eq!(world.kinds(1).await, [FactKind::Declined]);
}

#[tokio::test]
async fn faults_are_told_apart_and_the_same_key_charges_once() {
    let world = world().await;
    for acts in [
        json!({"before": "drop"}),
        json!({"before": {"late": {"after_ms": 20}}}),
        json!({"before": {"fail": {"status": 500, "kept": true}}}),
        json!({"before": "key_in_use"}),
        json!({"before": {"busy": {"retry_after_s": 0}}}),
        json!({"after": "close"}),
        json!({"after": {"fail": {"status": 500, "kept": true}}}),
        json!({"after": "garbage"}),
        json!({"after": "huge"}),
        json!({"after": "slow"}),
        json!({"after": "hang"}),
        json!({"after": "redirect"}),
    ] {
        let order = order("pm_card_visa");
        let id = order.trace.payment_id.unwrap();
        world.rule(json!({"match": {"payment_id": id, "on": ["confirm"]}, "times": 1, "do": acts})).await;
        let first = world.gateway.authorise(&order, &key(&order)).await;
        assert!(first.is_err(), "{acts}");
        // The first request may still be at work under its key.
        let again = world.until("the key is free", async || {
            let again = world.gateway.authorise(&order, &key(&order)).await;
            (!matches!(again, Err(GatewayError::KeyInUse { .. }))).then_some(again)
        });
        again.await.unwrap_or_else(|error| panic!("{acts}: {error:?}")).check(&order).unwrap();
        assert_eq!(world.line(&order).await["times_secured"], 1, "{acts}");
    }
    let order = order("pm_card_visa");
    world.gateway.create(&order, &key(&order)).await.unwrap();
    let other = Order { money: Money::new(1, Currency::EUR), ..order.clone() };
    assert!(matches!(world.gateway.create(&other, &key(&order)).await, Err(GatewayError::KeyReused)));
}

#[tokio::test]
async fn charges_are_found_by_our_ids_and_by_their_time_and_news_is_read_back() {
    let world = world().await;
    world.rule(json!({"match": {"on": ["webhook"]}, "do": {"webhook": {"lose": true}}})).await;
    for _ in 0..60 {
        let order = Order { capture: CaptureMethod::Automatic, ..order("pm_card_visa") };
        let made = world.gateway.authorise(&order, &key(&order)).await.unwrap();
        assert_eq!(world.gateway.find(&order.trace).await.unwrap(), [made]);
    }
    let window = Window { from: Utc::now() - TimeDelta::hours(1), to: Utc::now() + TimeDelta::hours(1) };
    let first = world.gateway.list(&window, None).await.unwrap();
    let second = world.gateway.list(&window, first.next.as_ref()).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next), (50, 10, None));
    assert!(
        world
            .gateway
            .find(&Trace { payment_id: Some(uuid::Uuid::nil()), ..Trace::default() })
            .await
            .unwrap()
            .is_empty()
    );
    let news = world.gateway.events(DateTime::UNIX_EPOCH, None).await.unwrap();
    assert_eq!((news.items.len(), news.next.is_some()), (50, true));
    assert_eq!(news.items[0].fact.as_ref().unwrap().kind, FactKind::Captured);
    assert!(world.received().is_empty());
}

#[tokio::test]
async fn disputes_refunds_elsewhere_and_later_failures_are_told() {
    let world = world().await;
    let order = Order { capture: CaptureMethod::Automatic, ..order("pm_card_visa") };
    let id = world.gateway.authorise(&order, &key(&order)).await.unwrap().id;
    let elsewhere = world
        .control(&format!("intents/{id}/refund"), json!({"amount": 500, "then": "fail", "after_ms": 60_000}))
        .await;
    world.control(&format!("refunds/{}/fail", elsewhere["id"].as_str().unwrap()), json!({})).await;
    world.control(&format!("intents/{id}/dispute"), json!({"amount": 700})).await;
    world.control(&format!("intents/{id}/dispute"), json!({"status": "lost"})).await;
    world.kinds(5).await;
    let facts = world.facts();
    let refunds = facts.iter().filter_map(|fact| match &fact.kind {
        FactKind::Refund { status, .. } => Some((*status, fact.trace, fact.money.unwrap().amount)),
        _ => None,
    });
    let mut refunds: Vec<_> = refunds.collect();
    refunds.sort_by_key(|(status, ..)| *status == RefundStatus::Failed);
    assert_eq!(
        refunds,
        [(RefundStatus::Pending, Trace::default(), 500), (RefundStatus::Failed, Trace::default(), 500)]
    );
    let disputes = facts.iter().filter(|fact| matches!(fact.kind, FactKind::Dispute { .. }));
    assert!(disputes.map(|fact| fact.money.unwrap().amount).eq([700, 700]));
    let frozen = RefundOrder { intent: id, money: order.money, trace: order.trace };
    let refused = world.gateway.refund(&frozen, "k").await;
    assert!(!matches!(refused, Ok(_) | Err(GatewayError::Unclear(Doubt::Garbage { .. }))), "{refused:?}");
    assert_eq!(world.get("books").await["doubles"], no_doubles());
}

#[tokio::test]
async fn a_secret_that_can_not_sign_this_way_is_refused_at_the_start() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = super::super::Config { speak: Speak::Standard, ..super::super::Config::default() };
    let refused = super::super::serve(config, listener, std::future::pending()).await;
    assert!(matches!(refused, Err(super::super::ServeError::Secret(_))), "{refused:?}");
}

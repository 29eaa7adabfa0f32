//! The ways a payment can go when nothing breaks.

use super::world::{World, key, no_doubles, order};
use serde_json::json;
use std::time::Duration;
use steps::gateway::{
    CancelReason, CaptureMethod, FactKind, GatewayError, IntentId, IntentStatus, Money, Order, RefundOrder,
    RefundStatus, Trace,
};

#[tokio::test]
async fn money_is_held_captured_refunded_and_every_step_is_told() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    intent.check(&order).unwrap();
    assert_eq!((intent.status, intent.secured()), (IntentStatus::RequiresCapture, Some(order.money)));

    let captured = world.gateway.capture(&intent.id, order.money, &key(&order)).await.unwrap();
    assert_eq!((captured.status, captured.amount_received), (IntentStatus::Succeeded, Some(12_500)));
    let part = RefundOrder {
        intent: intent.id.clone(),
        money: Money { amount: 500, ..order.money },
        trace: order.trace,
    };
    let refund = world.gateway.refund(&part, &key(&order)).await.unwrap();
    assert_eq!(refund.status, RefundStatus::Succeeded);
    assert_eq!(world.gateway.read(&intent.id).await.unwrap().amount_refunded, Some(500));
    assert_eq!(world.gateway.refunds(&intent.id).await.unwrap(), std::slice::from_ref(&refund));

    let kinds = world.kinds(4).await;
    let refunded = FactKind::Refund { id: refund.id, status: RefundStatus::Succeeded };
    for kind in [FactKind::Authorised, FactKind::Captured, FactKind::ChargeRefunded, refunded] {
        assert!(kinds.contains(&kind), "{kind:?} in {kinds:?}");
    }
    assert!(
        world
            .facts()
            .iter()
            .all(|fact| fact.trace == order.trace && fact.intent.as_ref() == Some(&intent.id))
    );
    let line = world.line(&order).await;
    assert_eq!((&line["captured"], &line["refunded"]), (&json!(12_500), &json!(500)));
    let sums = &world.get("books").await["sums"]["eur"];
    assert_eq!(*sums, json!({"authorised": 0, "captured": 12_500, "refunded": 500, "kept": 12_000}));
}

#[tokio::test]
async fn a_method_that_cannot_hold_money_is_charged_at_once() {
    let world = World::new().await;
    let order = Order { capture: CaptureMethod::Automatic, ..order("pm_card_visa") };
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    intent.check(&order).unwrap();
    assert_eq!((intent.status, intent.amount_received), (IntentStatus::Succeeded, Some(12_500)));
    assert_eq!(world.kinds(1).await, [FactKind::Captured]);
}

#[tokio::test]
async fn a_decline_names_its_reason_and_leaves_an_intent_to_cancel() {
    let world = World::new().await;
    for (method, code, why) in [
        ("pm_card_visa_chargeDeclined", "card_declined", Some("generic_decline")),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", Some("insufficient_funds")),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ] {
        let order = order(method);
        for _ in 0..2 {
            let error = world.gateway.authorise(&order, &key(&order)).await.unwrap_err();
            let GatewayError::Declined { code: found, decline_code, intent: Some(intent) } = error else {
                panic!("{error:?}")
            };
            assert_eq!((found.as_str(), decline_code.as_deref()), (code, why));
            assert_eq!(intent.status, IntentStatus::RequiresPaymentMethod);
        }
        assert_eq!(world.line(&order).await["times_declined"], 1, "the second was the stored answer");
        let dead = world.gateway.create(&order, &key(&order)).await.unwrap();
        let dead = world.gateway.cancel(&dead.id, CancelReason::Abandoned, &key(&order)).await.unwrap();
        assert_eq!(dead.status, IntentStatus::Canceled);
    }
    let kinds = world.kinds(6).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == FactKind::Declined).count(), 3);
}

#[tokio::test]
async fn what_is_processing_settles_or_fails_later_by_webhook() {
    let world = World::new().await;
    for (method, last) in
        [("pm_processing_settles", FactKind::Authorised), ("pm_processing_fails", FactKind::Declined)]
    {
        let order = order(method);
        let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
        assert_eq!(intent.status, IntentStatus::Processing);
        let told = |kind: &FactKind| {
            world.facts().into_iter().any(|fact| fact.kind == *kind && fact.trace == order.trace)
        };
        world.until("the end", async || told(&last).then_some(())).await;
        world.until("processing", async || told(&FactKind::Processing).then_some(())).await;
        let now = world.gateway.read(&intent.id).await.unwrap();
        assert_eq!(now.secured().is_some(), last == FactKind::Authorised);
        assert_eq!(now.last_error.is_some(), last == FactKind::Declined);
        let again = world.gateway.authorise(&order, &key(&order)).await;
        assert_eq!(again.is_ok(), last == FactKind::Authorised, "a later decline is a decline: {again:?}");
    }
}

#[tokio::test]
async fn a_customer_who_must_act_approves_or_denies_on_the_page() {
    let world = World::new().await;
    for (verb, status) in
        [("approve", IntentStatus::RequiresCapture), ("deny", IntentStatus::RequiresPaymentMethod)]
    {
        let back = format!("{}/control/webhooks", world.url);
        let order = Order { return_url: Some(back), ..order("pm_card_authenticationRequired") };
        let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
        assert_eq!(intent.status, IntentStatus::RequiresAction);
        let page = intent.next_action.unwrap().url.unwrap();
        let html = world.http.get(&page).send().await.unwrap().text().await.unwrap();
        assert!(html.contains("Approve") && html.contains("of 125.00 EUR"), "{html}");
        let landed = world.http.post(format!("{page}/{verb}")).send().await.unwrap();
        assert!(landed.url().path().ends_with("/control/webhooks"), "sent back to the shop");
        assert_eq!(world.gateway.read(&intent.id).await.unwrap().status, status);
        let again = world.http.post(format!("{page}/{verb}")).send().await.unwrap();
        assert_eq!(again.status(), 400);
    }
}

#[tokio::test]
async fn a_customer_may_approve_by_themselves_after_a_while() {
    let world = World::with(|config| config.approve_delay = Some(Duration::from_millis(20))).await;
    let order = order("pm_card_authenticationRequired");
    world.gateway.authorise(&order, &key(&order)).await.unwrap();
    let kinds = world.kinds(2).await;
    assert!(kinds.contains(&FactKind::Authorised) && kinds.contains(&FactKind::ActionRequired), "{kinds:?}");
}

#[tokio::test]
async fn what_a_state_forbids_is_refused_with_the_intent() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let key = key(&order);
    let made = world.gateway.create(&order, &key).await.unwrap();
    let refusal = |error: GatewayError| match error {
        GatewayError::WrongState { intent: Some(intent), .. } => intent.status,
        other => panic!("{other:?}"),
    };
    let early = world.gateway.capture(&made.id, order.money, "early").await;
    assert_eq!(refusal(early.unwrap_err()), IntentStatus::RequiresConfirmation);
    world.gateway.confirm(&made.id, &order, &key).await.unwrap();
    let again = world.gateway.confirm(&made.id, &order, "again").await;
    assert_eq!(again.unwrap().status, IntentStatus::RequiresCapture, "refused, and as it was wanted");
    assert_eq!(world.line(&order).await["times_secured"], 1);
    let too_much = world.gateway.capture(&made.id, Money { amount: 12_501, ..order.money }, "much").await;
    assert!(matches!(too_much, Err(GatewayError::Invalid { .. })));
    let refund = RefundOrder { intent: made.id.clone(), money: order.money, trace: order.trace };
    let held = world.gateway.refund(&refund, "held").await;
    assert_eq!(refusal(held.unwrap_err()), IntentStatus::RequiresCapture);
    world.gateway.capture(&made.id, order.money, &key).await.unwrap();
    let late = world.gateway.cancel(&made.id, CancelReason::Abandoned, &key).await;
    assert_eq!(refusal(late.unwrap_err()), IntentStatus::Succeeded);
    let over = RefundOrder { money: Money { amount: 12_501, ..order.money }, ..refund.clone() };
    assert!(matches!(world.gateway.refund(&over, "over").await, Err(GatewayError::Invalid { .. })));
    world.gateway.refund(&refund, &key).await.unwrap();
    let twice = world.gateway.refund(&refund, "twice").await;
    assert!(matches!(twice, Err(GatewayError::WrongState { .. })));
    let missing = IntentId::new("pi_missing");
    assert!(matches!(world.gateway.read(&missing).await, Err(GatewayError::NotFound)));
    let unknown = super::world::order("pm_card_unknown");
    let error = world.gateway.create(&unknown, "unknown").await.unwrap_err();
    assert!(
        matches!(error, GatewayError::Invalid { code, param, .. } if code == "resource_missing" && param == "payment_method")
    );
}

#[tokio::test]
async fn a_refund_may_pend_and_fail_later_and_is_owed_again() {
    let world = World::new().await;
    for (method, last) in
        [("pm_card_pendingRefund", RefundStatus::Succeeded), ("pm_card_refundFail", RefundStatus::Failed)]
    {
        let order = order(method);
        let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
        world.gateway.capture(&intent.id, order.money, &key(&order)).await.unwrap();
        let refund = RefundOrder { intent: intent.id.clone(), money: order.money, trace: order.trace };
        let made = world.gateway.refund(&refund, &key(&order)).await.unwrap();
        assert_eq!(made.status, RefundStatus::Pending);
        let told = |fact: &steps::gateway::Fact| matches!(&fact.kind, FactKind::Refund { id, status } if *id == made.id && *status == last);
        world.until("the refund's end", async || world.facts().iter().find(|fact| told(fact)).cloned()).await;
        // The second answer is a replay, so the adapter reads the refund as it is now.
        assert_eq!(world.gateway.refund(&refund, &key(&order)).await.unwrap().status, last);
        let gone = if last == RefundStatus::Succeeded { 12_500 } else { 0 };
        assert_eq!(world.gateway.read(&intent.id).await.unwrap().amount_refunded, Some(gone));
    }
}

#[tokio::test]
async fn payments_are_found_by_our_ids_and_by_their_time() {
    let world = World::new().await;
    let orders: Vec<_> = (0..3).map(|_| order("pm_card_visa")).collect();
    for order in &orders {
        world.gateway.create(order, &key(order)).await.unwrap();
    }
    let found = world.gateway.find(&orders[1].trace).await.unwrap();
    assert_eq!(found.iter().map(|intent| intent.trace).collect::<Vec<_>>(), [orders[1].trace]);
    let by_saga = Trace { payment_id: None, ..orders[2].trace };
    assert_eq!(world.gateway.find(&by_saga).await.unwrap().len(), 1);

    let now = chrono::Utc::now();
    let window = steps::gateway::Window {
        from: now - chrono::TimeDelta::minutes(1),
        to: now + chrono::TimeDelta::minutes(1),
    };
    let page = world.gateway.list(&window, None).await.unwrap();
    let newest_first: Vec<_> = page.items.iter().map(|intent| intent.trace).collect();
    assert_eq!(newest_first, [orders[2].trace, orders[1].trace, orders[0].trace]);
    let rest = world.gateway.list(&window, Some(&page.items[1].id)).await.unwrap();
    assert_eq!(rest.items.iter().map(|intent| intent.trace).collect::<Vec<_>>(), [orders[0].trace]);
    let past = steps::gateway::Window { from: window.from, to: window.from };
    assert!(world.gateway.list(&past, None).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_customer_who_pays_twice_shows_in_the_books() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    for tab in ["one", "two"] {
        world.gateway.authorise(&order, tab).await.unwrap();
    }
    let doubles = world.get("books").await["doubles"].clone();
    assert_ne!(doubles, no_doubles());
    assert_eq!(doubles["payments_charged_twice"], 1);
}

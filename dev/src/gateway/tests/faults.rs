//! Each fault that can be scripted, as the adapter sees it and as the books have it.

use super::world::{DEADLINE, World, key, order};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use steps::gateway::{
    CancelReason, Currency, Doubt, FactKind, GatewayError, IntentStatus, Mismatch, Money, RefundOrder,
    RefundStatus, Trace,
};

/// Confirms under a rule and compares what the adapter says and whether the money was secured.
async fn check(acts: Value, is: impl Fn(&GatewayError) -> bool, has_effect: bool) {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let id = order.trace.payment_id.unwrap();
    world.rule(json!({"match": {"payment_id": id, "on": ["confirm"]}, "times": 1, "do": acts.clone()})).await;
    let made = world.gateway.create(&order, &key(&order)).await.unwrap();
    let began = Instant::now();
    let error = world.gateway.confirm(&made.id, &order, &key(&order)).await.unwrap_err();
    assert!(is(&error), "{acts}: {error:?}");
    assert!(began.elapsed() < DEADLINE * 4, "{acts}");
    let seen = world.gateway.read(&made.id).await.unwrap();
    assert_eq!(seen.secured().is_some(), has_effect, "{acts}: {seen:?}");
    if error.is_surely_not_done() {
        assert!(!has_effect, "{acts}");
    }
    // The same request again ends well, and its money is secured once.
    let again = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    again.check(&order).unwrap();
    assert_eq!(world.line(&order).await["times_secured"], 1, "{acts}");
}

fn is_broken(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Unclear(Doubt::Broken(_)))
}

fn is_late(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Unclear(Doubt::Deadline(_)))
}

fn is_server(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Unclear(Doubt::Server { status: 503, replayed: false }))
}

#[tokio::test]
async fn a_dropped_request_is_unclear_and_has_no_effect() {
    check(json!({"before": "drop"}), is_broken, false).await;
}

#[tokio::test]
async fn a_request_that_hangs_before_its_effect_is_unclear() {
    check(json!({"before": "hang"}), is_late, false).await;
}

#[tokio::test]
async fn done_and_then_hung_is_unclear_and_has_its_effect() {
    check(json!({"after": "hang"}), is_late, true).await;
}

#[tokio::test]
async fn done_and_then_closed_is_unclear_and_has_its_effect() {
    check(json!({"after": "close"}), is_broken, true).await;
}

#[tokio::test]
async fn a_5xx_is_unclear_with_and_without_the_effect() {
    check(json!({"before": {"fail": {"status": 503}}}), is_server, false).await;
    check(json!({"after": {"fail": {"status": 503}}}), is_server, true).await;
}

#[tokio::test]
async fn a_429_says_how_long_to_wait_and_has_no_effect() {
    let is_busy = |error: &GatewayError| matches!(error, GatewayError::Busy { retry_after } if *retry_after == Duration::from_secs(7));
    check(json!({"before": {"busy": {"retry_after_s": 7}}}), is_busy, false).await;
}

#[tokio::test]
async fn garbage_huge_and_slow_bodies_and_redirects_are_unclear() {
    let is_garbage = |error: &GatewayError| matches!(error, GatewayError::Unclear(Doubt::Garbage { .. }));
    check(json!({"after": "garbage"}), is_garbage, true).await;
    let is_huge = |error: &GatewayError| matches!(error, GatewayError::Unclear(Doubt::TooLarge(_)));
    check(json!({"after": "huge"}), is_huge, true).await;
    check(json!({"after": "slow"}), is_late, true).await;
    let is_away = |error: &GatewayError| matches!(error, GatewayError::Unclear(Doubt::Redirect(307)));
    check(json!({"after": "redirect"}), is_away, true).await;
}

#[tokio::test]
async fn a_delay_within_the_deadline_is_only_slow() {
    let world = World::new().await;
    world.rule(json!({"do": {"delay_ms": 50}})).await;
    let order = order("pm_card_visa");
    let began = Instant::now();
    world.gateway.authorise(&order, &key(&order)).await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn lies_about_amount_currency_and_payment_do_not_pass_the_check() {
    let world = World::new().await;
    let other = "00000000-0000-0000-0000-000000000000";
    for lie in [json!({"amount": 1}), json!({"currency": "usd"}), json!({"payment_id": other})] {
        let order = order("pm_card_visa");
        let id = order.trace.payment_id.unwrap();
        world.rule(json!({"match": {"payment_id": id, "on": ["confirm", "read"]}, "do": {"lie": lie}})).await;
        let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
        match intent.check(&order) {
            Err(Mismatch::Money { theirs, .. }) if lie["amount"] == 1 => assert_eq!(theirs.amount, 1),
            Err(Mismatch::Money { theirs, .. }) => assert_ne!(theirs.currency, order.money.currency),
            Err(Mismatch::Trace) => assert_eq!(lie["payment_id"], other),
            Ok(()) => panic!("{lie} passed"),
        }
    }
}

#[tokio::test]
async fn a_confirmation_goes_as_scripted_whatever_the_method() {
    let world = World::new().await;
    let confirmed = async |acts: Value| {
        let order = order("pm_card_visa");
        world.rule(json!({"match": {"on": ["confirm"]}, "times": 1, "do": {"confirm": acts}})).await;
        (world.gateway.authorise(&order, &key(&order)).await, order)
    };
    let (declined, _) =
        confirmed(json!({"decline": {"code": "card_declined", "decline_code": "lost_card"}})).await;
    assert!(
        matches!(declined, Err(GatewayError::Declined { decline_code: Some(why), .. }) if why == "lost_card")
    );
    let (acting, _) = confirmed(json!("require_action")).await;
    assert_eq!(acting.unwrap().status, IntentStatus::RequiresAction);
    for (then, secured) in [("settle", true), ("fail", false)] {
        let (intent, _) = confirmed(json!({"process": {"after_ms": 20, "then": then}})).await;
        let id = intent.unwrap().id;
        let ended = async || {
            let intent = world.gateway.read(&id).await.unwrap();
            (intent.status != IntentStatus::Processing).then_some(intent)
        };
        assert_eq!(world.until("the end", ended).await.secured().is_some(), secured);
    }
}

#[tokio::test]
async fn a_cancel_may_be_refused_because_it_was_captured_meanwhile() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world
        .rule(json!({"match": {"on": ["cancel"]}, "times": 1,
            "do": {"before": {"refuse": {"code": "payment_intent_unexpected_state"}}}}))
        .await;
    let refused = world.gateway.cancel(&intent.id, CancelReason::Abandoned, "k").await;
    assert!(matches!(refused, Err(GatewayError::WrongState { intent: Some(_), .. })));
    world.gateway.capture(&intent.id, order.money, "k").await.unwrap();
}

#[tokio::test]
async fn refunds_go_as_scripted() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.gateway.capture(&intent.id, order.money, "k").await.unwrap();
    let mut left = 5;
    for (act, first, last) in [
        (json!("succeed"), RefundStatus::Succeeded, RefundStatus::Succeeded),
        (json!("pend"), RefundStatus::Pending, RefundStatus::Pending),
        (
            json!({"pend_then": {"after_ms": 10, "then": "settle"}}),
            RefundStatus::Pending,
            RefundStatus::Succeeded,
        ),
        (json!({"pend_then": {"after_ms": 10, "then": "fail"}}), RefundStatus::Pending, RefundStatus::Failed),
        (json!({"succeed_then_fail": {"after_ms": 10}}), RefundStatus::Succeeded, RefundStatus::Failed),
    ] {
        world.rule(json!({"match": {"on": ["refund"]}, "times": 1, "do": {"refund": act}})).await;
        let money = Money::new(100, Currency::EUR);
        let ordered = RefundOrder { intent: intent.id.clone(), money, trace: order.trace };
        let made = world.gateway.refund(&ordered, &format!("k{left}")).await.unwrap();
        assert_eq!(made.status, first, "{act}");
        let ended = async || {
            let refunds = world.gateway.refunds(&intent.id).await.unwrap();
            refunds.into_iter().find(|refund| refund.id == made.id && refund.status == last)
        };
        world.until("the refund's end", ended).await;
        left -= 1;
    }
    assert_eq!(world.line(&order).await["refunded"], 300);
}

#[tokio::test]
async fn a_lax_peer_answers_200_to_a_capture_after_a_cancel_and_refunds_too_much() {
    let world = World::new().await;
    world.rule(json!({"match": {"on": ["capture", "refund"]}, "do": {"lax": true}})).await;
    let order = order("pm_card_visa");
    let dead = world.gateway.authorise(&order, "a").await.unwrap().id;
    world.gateway.cancel(&dead, CancelReason::Abandoned, "a").await.unwrap();
    let captured = world.gateway.capture(&dead, order.money, "a").await.unwrap();
    assert_eq!((captured.status, captured.secured()), (IntentStatus::Canceled, None), "the status tells");

    let alive = world.gateway.authorise(&order, "b").await.unwrap().id;
    world.gateway.capture(&alive, order.money, "b").await.unwrap();
    for key in ["b", "c"] {
        let refund = RefundOrder { intent: alive.clone(), money: order.money, trace: Trace::default() };
        world.gateway.refund(&refund, key).await.unwrap();
    }
    let doubles = &world.get("books").await["doubles"];
    assert_eq!((&doubles["captured_after_cancel"], &doubles["refunded_too_much"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn a_webhook_may_come_before_the_answer() {
    let world = World::new().await;
    world.rule(json!({"match": {"on": ["confirm"]}, "do": {"answer_delay_ms": 60_000}})).await;
    let order = order("pm_card_visa");
    let (gateway, key) = (world.gateway.clone(), key(&order));
    let (answer, told) = tokio::join!(gateway.authorise(&order, &key), world.kinds(1));
    assert!(is_late(&answer.unwrap_err()));
    assert_eq!(told, [FactKind::Authorised]);
}

#[tokio::test]
async fn not_found_is_no_proof() {
    let world = World::new().await;
    world
        .rule(json!({"match": {"on": ["read", "search", "list_refunds"]}, "times": 3, "do": {"blind": true}}))
        .await;
    let order = order("pm_card_visa");
    let id = world.gateway.authorise(&order, &key(&order)).await.unwrap().id;
    assert!(matches!(world.gateway.read(&id).await, Err(GatewayError::NotFound)));
    assert!(world.gateway.find(&order.trace).await.unwrap().is_empty());
    assert!(world.gateway.refunds(&id).await.unwrap().is_empty());
    assert_eq!(world.gateway.find(&order.trace).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_may_arrive_after_nobody_found_it() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let late = json!({"before": {"late": {"after_ms": 150}}});
    let made = world.gateway.create(&order, &key(&order)).await.unwrap();
    world.rule(json!({"match": {"on": ["confirm"]}, "times": 1, "do": late})).await;
    let error = world.gateway.confirm(&made.id, &order, &key(&order)).await.unwrap_err();
    assert!(is_broken(&error), "{error:?}");
    assert_eq!(world.gateway.find(&order.trace).await.unwrap()[0].secured(), None, "not found");
    let charged = async || world.gateway.read(&made.id).await.unwrap().secured();
    assert_eq!(world.until("the late charge", charged).await, order.money);
    assert_eq!(world.line(&order).await["times_secured"], 1);
}

#[tokio::test]
async fn a_cancel_is_a_tombstone_for_a_request_that_arrives_late() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    let late = json!({"before": {"late": {"after_ms": 100}}});
    let made = world.gateway.create(&order, &key(&order)).await.unwrap();
    world.rule(json!({"match": {"on": ["confirm"]}, "times": 1, "do": late})).await;
    world.gateway.confirm(&made.id, &order, &key(&order)).await.unwrap_err();
    world.gateway.cancel(&made.id, CancelReason::Abandoned, &key(&order)).await.unwrap();
    // The refusal that the late request got is kept under its key: that tells when it arrived.
    let path = format!("payment_intents/{}/confirm", made.id);
    let form = [("expand[]", "latest_charge")];
    let arrived = async || {
        (world.raw(&path, Some(&format!("{}:confirm", key(&order))), &form).await.0 == 400).then_some(())
    };
    world.until("the late request", arrived).await;
    assert_eq!(world.line(&order).await["times_secured"], 0);
}

#[tokio::test]
async fn a_key_may_be_said_to_be_in_use_or_reused() {
    let in_use = |error: &GatewayError| matches!(error, GatewayError::KeyInUse { .. });
    check(json!({"before": "key_in_use"}), in_use, false).await;
    let reused = |error: &GatewayError| matches!(error, GatewayError::KeyReused);
    check(json!({"before": "key_reused"}), reused, false).await;
}

#[tokio::test]
async fn a_peer_that_echoes_secrets_is_not_quoted() {
    let not_quoted = |error: &GatewayError| {
        let text = format!("{error} {error:?}");
        matches!(error, GatewayError::Invalid { .. }) && !text.contains("4242") && !text.contains("sk_test")
    };
    check(json!({"before": "echo"}), not_quoted, false).await;
}

#[tokio::test]
async fn an_answer_about_another_intent_is_not_believed() {
    let garbage = |error: &GatewayError| matches!(error, GatewayError::Unclear(Doubt::Garbage { .. }));
    check(json!({"lie": {"id": "pi_another"}}), garbage, true).await;
}

#[tokio::test]
async fn a_customer_may_pay_again_in_another_tab() {
    let world = World::new().await;
    let by_script = order("pm_card_visa");
    world.rule(json!({"match": {"on": ["confirm"]}, "times": 1, "do": {"again_after_ms": 10}})).await;
    let first = world.gateway.authorise(&by_script, &key(&by_script)).await.unwrap();
    let two = async || {
        let found = world.gateway.find(&by_script.trace).await.unwrap();
        (found.len() == 2).then_some(found)
    };
    let found = world.until("the other tab", two).await;
    assert!(found.iter().all(|intent| intent.secured() == Some(by_script.money)), "{found:?}");

    let by_hand = world.control(&format!("intents/{}/again", first.id), json!({})).await;
    assert_eq!(by_hand["metadata"]["payment_id"], json!(by_script.trace.payment_id.unwrap()));
    assert_eq!(world.get("books").await["doubles"]["payments_charged_twice"], 1);
    world.kinds(3).await;
}

#[tokio::test]
async fn a_customer_may_act_by_themselves_as_scripted() {
    let world = World::new().await;
    for (then, secured) in [("settle", true), ("fail", false)] {
        let order = order("pm_card_visa");
        let act = json!({"confirm": {"act_then": {"after_ms": 20, "then": then}}});
        world.rule(json!({"match": {"on": ["confirm"]}, "times": 1, "do": act})).await;
        let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
        assert_eq!(intent.status, IntentStatus::RequiresAction);
        let ended = async || {
            let now = world.gateway.read(&intent.id).await.unwrap();
            (now.status != IntentStatus::RequiresAction).then_some(now)
        };
        assert_eq!(world.until("the customer", ended).await.secured().is_some(), secured);
    }
}

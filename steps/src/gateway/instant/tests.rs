use super::*;
use crate::gateway::{CaptureMethod, Currency, Gateway};
use uuid::Uuid;

fn order() -> Order {
    Order {
        money: Money::new(12_500, Currency::EUR),
        method: "pm_card_visa".parse().unwrap(),
        capture: CaptureMethod::Manual,
        return_url: None,
        trace: Trace { payment_id: Some(Uuid::from_u128(7)), ..Trace::default() },
    }
}

fn made() -> (Instant, Gateway) {
    let instant = Instant::new();
    (instant.clone(), Gateway::new(instant))
}

#[tokio::test]
async fn the_same_key_charges_once() {
    let (instant, gateway) = made();
    let first = gateway.authorise(&order(), "saga:3").await.unwrap();
    let again = gateway.authorise(&order(), "saga:3").await.unwrap();
    assert_eq!(first, again);
    first.check(&order()).unwrap();
    assert_eq!(first.secured(), Some(order().money));
    for _ in 0..2 {
        gateway.capture(&first.id, order().money, "saga:5").await.unwrap();
    }
    let sums = instant.books().sums(Currency::EUR);
    assert_eq!(sums, Sums { authorised: 12_500, captured: 12_500, refunded: 0 });

    let other = Order { money: Money::new(1, Currency::EUR), ..order() };
    assert!(matches!(gateway.create(&other, "saga:3").await, Err(GatewayError::KeyReused)));
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect_and_a_lost_request_none() {
    let (instant, gateway) = made();
    let id = gateway.create(&order(), "saga:3").await.unwrap().id;
    for (act, secured) in [(Act::LoseRequest, false), (Act::LoseAnswer, true)] {
        instant.script(move |_| act);
        let error = gateway.confirm(&id, &order(), "saga:3").await.unwrap_err();
        assert!(matches!(error, GatewayError::Unclear(_)));
        instant.script(|_| Act::Go);
        assert_eq!(gateway.read(&id).await.unwrap().secured().is_some(), secured, "{act:?}");
    }
}

#[tokio::test]
async fn a_cancelled_intent_can_never_be_charged_and_a_captured_one_never_cancelled() {
    let (instant, gateway) = made();
    let dead = gateway.create(&order(), "a").await.unwrap().id;
    gateway.cancel(&dead, CancelReason::Abandoned, "a").await.unwrap();
    assert!(matches!(gateway.confirm(&dead, &order(), "a").await, Err(GatewayError::WrongState { .. })));

    let alive = gateway.authorise(&order(), "b").await.unwrap().id;
    gateway.capture(&alive, order().money, "b").await.unwrap();
    for _ in 0..2 {
        let refused = gateway.cancel(&alive, CancelReason::Abandoned, "b").await;
        assert!(matches!(refused, Err(GatewayError::WrongState { intent: Some(_), .. })));
    }
    let refund = RefundOrder { intent: alive.clone(), money: order().money, trace: order().trace };
    for _ in 0..2 {
        gateway.refund(&refund, "b").await.unwrap();
    }
    assert!(matches!(gateway.refund(&refund, "c").await, Err(GatewayError::WrongState { .. })));
    assert_eq!(instant.books().sums(Currency::EUR).refunded, 12_500);
    assert_eq!(gateway.find(&order().trace).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_pending_is_settled_by_hand_and_told_as_a_fact() {
    let (instant, gateway) = made();
    instant.script(|request| if request.operation == Operation::Confirm { Act::Pend } else { Act::Go });
    for (key, secured, kind) in [("a", true, FactKind::Authorised), ("b", false, FactKind::Declined)] {
        let intent = gateway.authorise(&order(), key).await.unwrap();
        assert_eq!(intent.status, IntentStatus::Processing);
        instant.settle(&intent.id, secured).unwrap();
        assert_eq!(instant.settle(&intent.id, secured), None);
        let again = gateway.authorise(&order(), key).await;
        assert_eq!(again.is_ok(), secured, "a later decline is a decline: {again:?}");
        let fact = instant.fact(&intent.id, EventId::new("evt_1")).unwrap();
        assert_eq!((fact.kind, fact.money, fact.trace), (kind, Some(order().money), order().trace));
    }
}

#[tokio::test]
async fn a_lie_about_the_amount_does_not_pass_the_check() {
    let (instant, gateway) = made();
    instant.script(|_| Act::Lie(Money::new(1, Currency::EUR)));
    let intent = gateway.authorise(&order(), "a").await.unwrap();
    assert!(intent.check(&order()).is_err());
}

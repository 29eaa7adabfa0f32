use super::*;
use crate::gateway::{RefundId, RefundStatus};
use serde_json::{Value, json};
use uuid::Uuid;

fn intent() -> Value {
    json!({"id": "pi_1", "status": "succeeded", "amount": 500, "currency": "eur", "amount_capturable": 300,
        "amount_received": 400, "capture_method": "manual", "created": 1, "latest_charge": "ch_1",
        "metadata": {"payment_id": Uuid::from_u128(2)}})
}

fn event(kind: &str, object: Value) -> Vec<u8> {
    let event = json!({"id": "evt_1", "object": "event", "type": kind, "created": 1_700_000_000, "livemode": true,
        "data": {"object": object, "previous_attributes": {}}});
    serde_json::to_vec(&event).unwrap()
}

fn check(kind: &str, object: Value, expected: FactKind, amount: i64) {
    let fact = read(&event(kind, object)).unwrap();
    assert_eq!(fact.kind, expected, "{kind}");
    assert_eq!(fact.money, Some(Money::new(amount, Currency::EUR)), "{kind}");
    assert_eq!(fact.intent, Some(IntentId::new("pi_1")));
    assert!(fact.live);
    assert_eq!(serde_json::from_str::<Fact>(&serde_json::to_string(&fact).unwrap()).unwrap(), fact);
}

#[test]
fn every_type_that_we_act_on_becomes_its_fact() {
    check("payment_intent.amount_capturable_updated", intent(), FactKind::Authorised, 300);
    check("payment_intent.succeeded", intent(), FactKind::Captured, 400);
    check("payment_intent.payment_failed", intent(), FactKind::Declined, 500);
    check("payment_intent.processing", intent(), FactKind::Processing, 500);
    check("payment_intent.requires_action", intent(), FactKind::ActionRequired, 500);
    check("payment_intent.canceled", intent(), FactKind::Cancelled, 500);
    let charge = json!({"id": "ch_1", "payment_intent": "pi_1", "amount_refunded": 50, "currency": "eur"});
    check("charge.refunded", charge, FactKind::ChargeRefunded, 50);
    for (kind, status, ours) in [
        ("refund.created", "pending", RefundStatus::Pending),
        ("refund.updated", "succeeded", RefundStatus::Succeeded),
        ("refund.failed", "failed", RefundStatus::Failed),
    ] {
        let refund = json!({"id": "re_1", "payment_intent": "pi_1", "amount": 50, "currency": "eur",
            "status": status, "created": 1, "metadata": {}});
        check(kind, refund, FactKind::Refund { id: RefundId::new("re_1"), status: ours }, 50);
    }
    for (kind, stage) in [
        ("charge.dispute.created", DisputeStage::Opened),
        ("charge.dispute.updated", DisputeStage::Changed),
        ("charge.dispute.closed", DisputeStage::Closed),
    ] {
        let dispute = json!({"id": "dp_1", "payment_intent": "pi_1", "amount": 400, "currency": "eur",
            "status": "lost"});
        let expected = FactKind::Dispute { id: "dp_1".to_owned(), stage, status: "lost".to_owned() };
        check(kind, dispute, expected, 400);
    }
    for kind in TYPES {
        assert!(
            !matches!(read(&event(kind, json!({}))), Ok(Fact { kind: FactKind::Ignored(_), .. })),
            "{kind}"
        );
    }
}

#[test]
fn our_ids_are_read_and_foreign_ones_are_not_ours() {
    let fact = read(&event("payment_intent.succeeded", intent())).unwrap();
    assert_eq!(fact.trace, Trace { payment_id: Some(Uuid::from_u128(2)), ..Trace::default() });
    let mut foreign = intent();
    foreign["metadata"]["payment_id"] = json!("order-77");
    assert_eq!(read(&event("payment_intent.succeeded", foreign)).unwrap().trace, Trace::default());
}

#[test]
fn an_unknown_type_is_ignored_whatever_it_carries() {
    let fact = read(&event(&"customer.\u{0}created".repeat(50), json!(["anything"]))).unwrap();
    let FactKind::Ignored(kind) = fact.kind else { panic!("{fact:?}") };
    assert!(kind.len() <= 100 && !kind.contains('\0'));
    assert_eq!((fact.money, fact.intent), (None, None));
}

#[test]
fn doubled_keys_and_broken_objects_are_no_facts() {
    let good = String::from_utf8(event("payment_intent.succeeded", intent())).unwrap();
    for bad in [
        good.replace(r#""id":"evt_1""#, r#""id":"evt_1","id":"evt_2""#),
        good.replace(r#""amount":500"#, r#""amount":500,"amount":1"#),
        good.replace(r#""amount":500"#, r#""amount":-500"#),
        good.replace(r#""amount":500"#, r#""amount":1e3"#),
        good.replace("eur", "euros"),
        good[..good.len() - 1].to_owned(),
    ] {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
}

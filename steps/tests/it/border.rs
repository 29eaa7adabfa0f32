//! The inbox, and gateways' names for payments.

use crate::support::{Sale, moment};
use serde_json::json;
use steps::PaymentId;
use steps::store::gateway_references;
use steps::store::inbox::{self, FactColumns, Received, Stored};

#[tokio::test]
async fn a_webhook_is_kept_once_and_applied_once() {
    let mut sale = Sale::of(1).await;
    let payment = PaymentId::new_in(sale.event.bucket());
    let fact = FactColumns {
        kind: "authorised".to_owned(),
        payment: Some(payment),
        reference: Some("pi_1".to_owned()),
        money: None,
        at: moment(0),
        whole: json!({"kind": "authorised"}),
    };
    let received = Received { provider: "stripe", event_id: "evt_1", body: b"{}", fact: Some(fact) };
    let connection = &mut sale.connection;
    assert_eq!(inbox::insert(connection, &received, moment(0)).await.unwrap(), Stored::New);
    assert_eq!(inbox::insert(connection, &received, moment(1)).await.unwrap(), Stored::Duplicate);
    let lie = Received { body: b"{ }", ..received.clone() };
    assert_eq!(inbox::insert(connection, &lie, moment(1)).await.unwrap(), Stored::Differs);

    let waiting = inbox::list_waiting(connection, moment(0), moment(1), None, 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].payment, waiting[0].key.clone()), (Some(payment), received.key()));
    assert_eq!(waiting[0].key.bucket, payment.bucket());
    assert!(inbox::mark_applied(connection, &received.key(), payment, moment(2)).await.unwrap());
    assert!(!inbox::mark_applied(connection, &received.key(), payment, moment(3)).await.unwrap());
    assert!(inbox::list_waiting(connection, moment(0), moment(10), None, 10).await.unwrap().is_empty());
    let kept = sale.count("select count(*) from booking.inbox_variants").await;
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn an_event_that_names_no_payment_waits_to_be_matched_by_the_gateways_name() {
    let mut sale = Sale::of(1).await;
    let payment = PaymentId::new_in(sale.event.bucket());
    let fact = FactColumns {
        kind: "refund".to_owned(),
        payment: None,
        reference: Some("pi_9".to_owned()),
        money: Some(crate::support::price_of(1)),
        at: moment(0),
        whole: json!({"kind": "refund"}),
    };
    let received = Received { provider: "stripe", event_id: "evt_2", body: b"{}", fact: Some(fact) };
    let ignored = Received { provider: "stripe", event_id: "evt_3", body: b"{}", fact: None };
    let connection = &mut sale.connection;
    inbox::insert(connection, &received, moment(0)).await.unwrap();
    inbox::insert(connection, &ignored, moment(0)).await.unwrap();
    let waiting = inbox::list_waiting(connection, moment(0), moment(1), None, 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    let reference = waiting[0].reference.as_deref().unwrap();
    assert_eq!(gateway_references::find(connection, "stripe", reference).await.unwrap(), None);
    gateway_references::remember(connection, "stripe", reference, payment).await.unwrap();
    assert_eq!(gateway_references::find(connection, "stripe", reference).await.unwrap(), Some(payment));
    assert!(inbox::mark_applied(connection, &waiting[0].key, payment, moment(2)).await.unwrap());
}

#[tokio::test]
async fn those_that_wait_are_gone_through_however_many_came_at_one_moment() {
    let mut sale = Sale::of(1).await;
    let connection = &mut sale.connection;
    for (number, at) in [0, 1, 1, 1, 2].into_iter().enumerate() {
        let fact = FactColumns {
            kind: "captured".to_owned(),
            payment: None,
            reference: None,
            money: None,
            at: moment(0),
            whole: json!({"kind": "captured"}),
        };
        let event_id = format!("evt_{number}");
        let received = Received { provider: "stripe", event_id: &event_id, body: b"{}", fact: Some(fact) };
        inbox::insert(connection, &received, moment(at)).await.unwrap();
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = inbox::list_waiting(connection, moment(0), moment(9), after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        seen.extend(page.into_iter().map(|row| row.key.event_id));
    }
    assert_eq!(seen, ["evt_0", "evt_1", "evt_2", "evt_3", "evt_4"]);
}

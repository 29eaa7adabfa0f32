//! Webhooks: sent at least once, in no order; lost, doubled, late and forged where a rule says so.

use super::world::{SECRET, World, key, order};
use chrono::{DateTime, Utc};
use serde_json::json;
use steps::gateway::{
    CaptureMethod, FactKind, Order,
    signature::{BadSignature, Secret, verify},
};

/// An order with one event that we act on: charged at once.
fn charged_at_once() -> Order {
    Order { capture: CaptureMethod::Automatic, ..order("pm_card_visa") }
}

#[tokio::test]
async fn a_webhook_is_sent_again_until_it_is_taken() {
    let world = World::new().await;
    world.receiver_answers(503);
    let order = charged_at_once();
    world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.until("three tries", async || (world.facts().len() >= 3).then_some(())).await;
    world.receiver_answers(200);
    let delivered = async || {
        let counts = world.get("webhooks").await;
        (counts["due"] == 0 && counts["delivered"] == 3).then_some(())
    };
    world.until("delivery", delivered).await;
    let ids: Vec<_> = world.facts().into_iter().map(|fact| fact.event_id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "the same event each time");
}

#[tokio::test]
async fn a_lost_webhook_can_be_read_back() {
    let world = World::new().await;
    world.rule(json!({"match": {"on": ["webhook"]}, "do": {"webhook": {"lose": true}}})).await;
    let order = charged_at_once();
    world.gateway.authorise(&order, &key(&order)).await.unwrap();
    let page = world.gateway.events(DateTime::UNIX_EPOCH, None).await.unwrap();
    let kinds: Vec<_> = page.items.iter().map(|event| event.fact.as_ref().unwrap().kind.clone()).collect();
    assert_eq!(kinds, [FactKind::Captured]);
    assert_eq!(page.items[0].fact.as_ref().unwrap().trace, order.trace);
    assert_eq!(world.get("webhooks").await["due"], 0);
    assert!(world.received().is_empty());
    world.control(&format!("events/{}/resend", page.items[0].id), json!({})).await;
    assert_eq!(world.kinds(1).await, [FactKind::Captured]);
    assert_eq!(world.received()[0].body, page.items[0].body, "byte for byte");
}

#[tokio::test]
async fn events_are_read_back_in_pages() {
    let world = World::new().await;
    for _ in 0..60 {
        let order = charged_at_once();
        world.gateway.authorise(&order, &key(&order)).await.unwrap();
    }
    let first = world.gateway.events(DateTime::UNIX_EPOCH, None).await.unwrap();
    let second = world.gateway.events(DateTime::UNIX_EPOCH, first.next.as_ref()).await.unwrap();
    assert_eq!((first.items.len(), second.items.len(), second.next), (50, 10, None));
}

#[tokio::test]
async fn a_webhook_may_be_doubled_and_delayed() {
    let world = World::new().await;
    let rule = json!({"match": {"on": ["webhook"], "event": "payment_intent.succeeded"},
        "do": {"webhook": {"copies": 3, "delay_ms": 30, "jitter_ms": 30}}});
    world.rule(rule).await;
    let order = charged_at_once();
    world.gateway.authorise(&order, &key(&order)).await.unwrap();
    let kinds = world.kinds(3).await;
    assert_eq!(kinds, [FactKind::Captured, FactKind::Captured, FactKind::Captured]);
}

#[tokio::test]
async fn held_webhooks_come_in_the_order_that_is_asked_for() {
    let world = World::new().await;
    world.rule(json!({"match": {"on": ["webhook"]}, "do": {"webhook": {"hold": true}}})).await;
    let order = order("pm_card_visa");
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.gateway.capture(&intent.id, order.money, &key(&order)).await.unwrap();
    assert!(world.received().is_empty());
    world.control("webhooks/release", json!({"reverse": true})).await;
    assert_eq!(world.kinds(2).await, [FactKind::Captured, FactKind::Authorised]);
}

#[tokio::test]
async fn an_event_may_lie_while_the_object_does_not() {
    let world = World::new().await;
    world.rule(json!({"match": {"on": ["webhook"]}, "do": {"lie": {"amount": 1}}})).await;
    let order = charged_at_once();
    let intent = world.gateway.authorise(&order, &key(&order)).await.unwrap();
    intent.check(&order).unwrap();
    world.kinds(1).await;
    assert_eq!(world.facts()[0].money.unwrap().amount, 1);
}

#[tokio::test]
async fn forged_events_are_signed_as_told() {
    let world = World::new().await;
    let cases = [
        (json!(null), Some(Ok(()))),
        (json!({"secret": "whsec_other"}), Some(Err(BadSignature::Foreign))),
        (json!({"secret": SECRET, "skew_s": -301}), Some(Err(BadSignature::Old))),
        (json!({"secret": SECRET, "skew_s": 310}), Some(Err(BadSignature::Future))),
        (json!({"header": "nonsense"}), Some(Err(BadSignature::Malformed))),
        (json!({}), None),
    ];
    let order = charged_at_once();
    let intent = world.gateway.create(&order, &key(&order)).await.unwrap();
    for (index, (signature, expected)) in cases.into_iter().enumerate() {
        let id = format!("evt_forged_{index}");
        let forged = json!({"type": "payment_intent.succeeded", "intent": intent.id.as_str(), "id": id,
            "object": {"status": "succeeded", "amount_received": 12_500}, "signature": signature});
        world.control("events", forged).await;
        let came = async || world.received().into_iter().find(|received| received.body.contains(&id));
        let received = world.until("the forgery", came).await;
        let verdict = received
            .signature
            .map(|header| verify(&header, received.body.as_bytes(), &[Secret::new(SECRET)], Utc::now()));
        assert_eq!(verdict, expected, "{signature}");
    }
    let real = world.gateway.events(DateTime::UNIX_EPOCH, None).await.unwrap();
    assert!(real.items.is_empty(), "what is forged can't be read back");
}

#[tokio::test]
async fn any_body_can_be_sent_as_often_as_wanted() {
    let world = World::new().await;
    world.control("events", json!({"body": "{\"id\":1,\"id\":2}", "copies": 100})).await;
    let all = async || (world.received().len() == 100).then_some(());
    world.until("the flood", all).await;
    assert!(world.received().iter().all(|received| received.body == "{\"id\":1,\"id\":2}"));
}

#[tokio::test]
async fn during_a_rotation_every_secret_signs() {
    let world = World::with(|config| config.webhook_secrets.push("whsec_new".to_owned())).await;
    let order = charged_at_once();
    world.gateway.authorise(&order, &key(&order)).await.unwrap();
    world.kinds(1).await;
    let received = &world.received()[0];
    let verdict = verify(
        received.signature.as_ref().unwrap(),
        received.body.as_bytes(),
        &[Secret::new("whsec_new")],
        Utc::now(),
    );
    assert_eq!(verdict, Ok(()));
}

#[tokio::test]
async fn a_real_event_may_come_with_forgeries_that_nobody_repeats() {
    let world = World::new().await;
    let rule = json!({"match": {"on": ["webhook"], "event": "payment_intent.succeeded"},
        "do": {"webhook": {"forged": 2}}});
    world.rule(rule).await;
    world.receiver_answers(400);
    let order = charged_at_once();
    world.gateway.authorise(&order, &key(&order)).await.unwrap();
    let given_up = async || (world.get("webhooks").await["given_up"] == 2).then_some(());
    world.until("both forgeries", given_up).await;
    let is_ours = |received: &super::world::Received| {
        let secrets = [Secret::new(SECRET)];
        verify(received.signature.as_ref().unwrap(), received.body.as_bytes(), &secrets, Utc::now()).is_ok()
    };
    let forged = world.received().iter().filter(|received| !is_ours(received)).count();
    assert_eq!(forged, 2);
}

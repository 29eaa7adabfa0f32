//! Idempotency keys, as Stripe keeps them.

use super::world::{World, key, order};
use serde_json::json;
use std::time::Duration;
use steps::gateway::{Currency, Doubt, GatewayError, Money, Order};

const FORM: [(&str, &str); 3] = [("amount", "500"), ("currency", "eur"), ("payment_method", "pm_card_visa")];

#[tokio::test]
async fn a_key_gives_its_first_answer_again() {
    let world = World::new().await;
    let (first, again) = (
        world.raw("payment_intents", Some("k"), &FORM).await,
        world.raw("payment_intents", Some("k"), &FORM).await,
    );
    assert_eq!(first, again);
    let (_, without) = world.raw("payment_intents", None, &FORM).await;
    assert_ne!(first.1["id"], without["id"]);
    let other = world.raw("payment_intents", Some("k"), &[("amount", "501"), FORM[1], FORM[2]]).await;
    assert_eq!((other.0, &other.1["error"]["type"]), (400, &json!("idempotency_error")));
}

#[tokio::test]
async fn the_adapter_names_a_reused_key() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    world.gateway.create(&order, &key(&order)).await.unwrap();
    let other = Order { money: Money::new(1, Currency::EUR), ..order.clone() };
    assert!(matches!(world.gateway.create(&other, &key(&order)).await, Err(GatewayError::KeyReused)));
}

#[tokio::test]
async fn while_the_first_request_runs_its_key_is_in_use() {
    let world = World::new().await;
    let order = order("pm_card_visa");
    world.rule(json!({"times": 1, "do": {"delay_ms": 300}})).await;
    let first = world.gateway.create(&order, "k");
    let second = async {
        // The rule is gone once the first request has taken it.
        let taken = async || world.get("rules").await["rules"].as_array()?.is_empty().then_some(());
        world.until("the first request", taken).await;
        world.gateway.create(&order, "k").await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(second, Err(GatewayError::KeyInUse { .. })), "{second:?}");
    assert_eq!(world.gateway.create(&order, "k").await.unwrap().id, first.unwrap().id);
}

#[tokio::test]
async fn a_client_that_hangs_up_while_it_waits_leaves_its_key_free() {
    let world = World::new().await;
    world.rule(json!({"times": 1, "do": {"delay_ms": 60_000}})).await;
    let order = order("pm_card_visa");
    let error = world.gateway.create(&order, "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Deadline(_))), "{error:?}");
    world.until("the key", async || world.gateway.create(&order, "k").await.ok()).await;
    world.line(&order).await;
}

#[tokio::test]
async fn a_stored_500_stays_the_answer_under_its_key() {
    let world = World::new().await;
    let stored = json!({"after": {"fail": {"status": 500, "kept": true}}});
    world.rule(json!({"match": {"on": ["create"]}, "times": 1, "do": stored})).await;
    let statuses = [
        world.raw("payment_intents", Some("k"), &FORM).await.0,
        world.raw("payment_intents", Some("k"), &FORM).await.0,
    ];
    assert_eq!(statuses, [500, 500]);
    assert_eq!(world.raw("payment_intents", None, &FORM).await.0, 200);
}

#[tokio::test]
async fn the_adapter_finds_its_way_around_a_stored_500() {
    for moment in ["before", "after"] {
        let world = World::new().await;
        let order = order("pm_card_visa");
        for on in ["create", "confirm", "capture"] {
            let stored = json!({moment: {"fail": {"status": 500, "kept": true}}});
            world.rule(json!({"match": {"on": [on]}, "times": 1, "do": stored})).await;
        }
        // The first answer is unclear, the stored one is not the last word.
        let authorise = async || world.gateway.authorise(&order, &key(&order)).await;
        assert!(matches!(authorise().await, Err(GatewayError::Unclear(_))), "{moment}: create");
        assert!(matches!(authorise().await, Err(GatewayError::Unclear(_))), "{moment}: confirm");
        let intent = authorise().await.unwrap();
        assert_eq!(intent.secured(), Some(order.money), "{moment}");
        let capture = async || world.gateway.capture(&intent.id, order.money, &key(&order)).await;
        assert!(matches!(capture().await, Err(GatewayError::Unclear(_))), "{moment}: capture");
        assert_eq!(capture().await.unwrap().amount_received, Some(order.money.amount), "{moment}");
        let books = world.get(&format!("books?payment_id={}", order.trace.payment_id.unwrap())).await;
        assert_eq!(books["doubles"], super::world::no_doubles(), "{moment}");
        assert_eq!(books["sums"]["eur"]["captured"], order.money.amount, "{moment}");
    }
}

#[tokio::test]
async fn a_pruned_key_is_a_new_request() {
    let world = World::with(|config| config.key_ttl = Duration::ZERO).await;
    let order = order("pm_card_visa");
    let first = world.gateway.create(&order, "k").await.unwrap();
    let second = world.gateway.create(&order, "k").await.unwrap();
    assert_ne!(first.id, second.id);
}

#[tokio::test]
async fn refusals_before_any_work_leave_the_key_free() {
    let world = World::new().await;
    let refused = world.raw("payment_intents", Some("k"), &[("amount", "0"), FORM[1], FORM[2]]).await;
    assert_eq!((refused.0, &refused.1["error"]["param"]), (400, &json!("amount")));
    assert_eq!(world.raw("payment_intents", Some("k"), &FORM).await.0, 200);
    for bad in [
        &[("amount", "500")][..],
        &[("amount", "500"), ("currency", "EURO")],
        &[("amount", "500"), ("currency", "eur"), ("capture_method", "maybe")],
        &[("amount", "500"), ("currency", "eur"), ("colour", "red")],
    ] {
        let (status, body) = world.raw("payment_intents", None, bad).await;
        assert_eq!((status, &body["error"]["type"]), (400, &json!("invalid_request_error")), "{bad:?}");
    }
}

#[tokio::test]
async fn a_wrong_secret_key_is_refused() {
    let world = World::new().await;
    let url = format!("{}/v1/payment_intents", world.url);
    for request in [world.http.get(&url), world.http.post(&url).bearer_auth("sk_live_other")] {
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
}

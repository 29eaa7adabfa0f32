//! The webhook endpoint: who is let in, and what is kept.

use super::world::{LONG, PaymentWorld, Plan, SECRET};
use chrono::{TimeDelta, Utc};
use rstest::rstest;
use serde_json::{Value, json};
use steps::gateway::signature;

/// Delivers a body under a signature header, as the gateway would. Gives the status and the problem.
async fn deliver(world: &PaymentWorld, body: &str, header: Option<&str>) -> (u16, Value) {
    let request = world.http.post(format!("{}/webhooks/stripe", world.url)).body(body.to_owned());
    let request = request.header("content-type", "application/json");
    let request = match header {
        Some(header) => request.header("stripe-signature", header),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

fn event(id: &str) -> String {
    json!({"id": id, "object": "event", "type": "customer.created", "created": Utc::now().timestamp(),
        "livemode": false, "data": {"object": {"id": "cus_1"}}})
    .to_string()
}

fn signed(body: &str, secret: &str, age_s: i64) -> String {
    signature::sign(body.as_bytes(), &[secret], Utc::now() - TimeDelta::seconds(age_s))
}

const KEPT: &str = "select count(*) from booking.inbox";

#[rstest]
#[case::bad("t=1700000000,v1=00")]
#[case::garbled("so far so good")]
#[tokio::test]
async fn a_bad_signature_is_refused_and_nothing_is_kept(#[case] header: &str) {
    refused(Some(header.to_owned())).await;
}

#[tokio::test]
async fn a_missing_signature_is_refused_and_nothing_is_kept() {
    refused(None).await;
}

#[tokio::test]
async fn an_old_signature_is_refused_and_nothing_is_kept() {
    refused(Some(signed(&event("evt_1"), SECRET, 310))).await;
}

#[tokio::test]
async fn a_signature_from_the_future_is_refused_and_nothing_is_kept() {
    refused(Some(signed(&event("evt_1"), SECRET, -310))).await;
}

#[tokio::test]
async fn a_foreign_signature_is_refused_and_nothing_is_kept() {
    refused(Some(signed(&event("evt_1"), "whsec_of_somebody_else", 0))).await;
}

#[tokio::test]
async fn the_signature_of_another_body_is_refused_and_nothing_is_kept() {
    refused(Some(signed(&event("evt_2"), SECRET, 0))).await;
}

/// Every refusal looks the same, and none tells why.
async fn refused(header: Option<String>) {
    let world = PaymentWorld::open().await;
    let (status, problem) = deliver(&world, &event("evt_1"), header.as_deref()).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("signature-invalid")), "{problem}");
    assert_eq!(problem["detail"], problem["title"]);
    assert_eq!(world.count(KEPT).await, 0);
}

#[tokio::test]
async fn a_replay_inside_the_tolerance_is_a_duplicate() {
    let world = PaymentWorld::open().await;
    let body = event("evt_1");
    let header = signed(&body, SECRET, 250);
    for _ in 0..3 {
        assert_eq!(deliver(&world, &body, Some(&header)).await.0, 200);
    }
    assert_eq!(world.count(KEPT).await, 1);
}

#[tokio::test]
async fn while_secrets_are_rotated_both_are_good_and_the_old_one_ends() {
    let ended = (Utc::now() - TimeDelta::hours(1)).to_rfc3339();
    let ending = (Utc::now() + TimeDelta::hours(1)).to_rfc3339();
    let secrets = format!("whsec_gone until {ended},whsec_going until {ending},{SECRET}");
    let world = Plan::default().with("USHER_GATEWAY_WEBHOOK_SECRETS", &secrets).open().await;
    let body = event("evt_1");
    for (secret, expected) in [("whsec_gone", 400), ("whsec_going", 200), (SECRET, 200)] {
        assert_eq!(deliver(&world, &body, Some(&signed(&body, secret, 0))).await.0, expected, "{secret}");
    }
    let both = signature::sign(body.as_bytes(), &["whsec_gone", SECRET], Utc::now());
    assert_eq!(deliver(&world, &body, Some(&both)).await.0, 200, "any of several signatures may hold");
}

#[tokio::test]
async fn a_forged_webhook_books_nothing() {
    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    let payment = ada.pay(&reservation, "pm_card_authenticationRequired").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    let forged = json!({"type": "payment_intent.amount_capturable_updated", "intent": intent, "copies": 3,
        "object": {"status": "requires_capture", "amount_capturable": 12_500},
        "signature": {"secret": "whsec_of_somebody_else"}});
    world.gateway.control("events", forged.clone()).await;
    // Even with the right signature it is only news: the gateway is asked before anything moves.
    let mut stolen = forged;
    stolen.as_object_mut().unwrap().remove("signature");
    stolen["id"] = json!("evt_stolen");
    world.gateway.control("events", stolen).await;
    let seen = "select count(*) from booking.inbox where event_id = 'evt_stolen' and state = 'APPLIED'";
    world.until_count("it was looked into", seen, 1).await;
    assert_eq!(ada.payment(&payment).await["status"], "INITIATED");
    assert_eq!(world.count("select count(*) from booking.bookings").await, 0);
    let path = format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap());
    ada.delete(&path).await;
    ada.until(&reservation, "CANCELLED").await;
}

/// Our secret key says whether we are in test mode or in live mode.
#[rstest]
#[case::a_real_event_in_test_mode("sk_test_usher", true)]
#[case::a_test_event_in_live_mode("sk_live_usher", false)]
#[tokio::test]
async fn a_real_event_in_test_mode_and_a_test_event_in_live_mode_move_nothing(
    #[case] key: &str,
    #[case] livemode: bool,
) {
    let plan = Plan::default().with("USHER_GATEWAY_KEY", key);
    let world = plan.gateway(|gateway| gateway.api_key = key.to_owned()).open().await;
    world.gateway.rule(&["webhook"], None, json!({"webhook": {"lose": true}})).await;
    let (show, ada) = (world.show(1, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    ada.pay(&reservation, "pm_card_authenticationRequired").await;
    let intent = world.gateway.books().await.only(&reservation).id.clone();
    let foreign = json!({"id": "evt_foreign", "object": "event", "type": "payment_intent.amount_capturable_updated",
        "created": Utc::now().timestamp(), "livemode": livemode, "data": {"object": {"id": intent,
        "object": "payment_intent", "status": "requires_capture", "amount": 12_500, "currency": "eur",
        "amount_capturable": 12_500, "amount_received": 0, "capture_method": "manual", "created": 1_700_000_000,
        "livemode": livemode, "metadata": {}}}})
    .to_string();
    assert_eq!(deliver(&world, &foreign, Some(&signed(&foreign, SECRET, 0))).await.0, 200);
    let ignored = "select count(*) from booking.inbox where event_id = 'evt_foreign' and state = 'IGNORED'";
    assert_eq!(world.count(ignored).await, 1);
    assert_eq!(world.count("select count(*) from usher.mailbox where name = 'payment-news'").await, 0);
}

#[tokio::test]
async fn five_megabytes_are_refused_before_they_are_read() {
    let world = PaymentWorld::open().await;
    let body = format!("{{\"id\":\"evt_1\",\"padding\":\"{}\"}}", "x".repeat(5 * 1024 * 1024));
    let request = world.http.post(format!("{}/webhooks/stripe", world.url)).body(body.clone());
    let request = request.header("stripe-signature", signed(&body, SECRET, 0));
    // The connection may be closed while the sender still sends: then there is no answer to read.
    if let Ok(answer) = request.header("content-type", "application/json").send().await {
        assert_eq!(answer.status(), 413);
    }
    assert_eq!(world.count(KEPT).await, 0);
}

#[tokio::test]
async fn a_webhook_with_doubled_keys_is_parked_and_never_acted_on() {
    let world = PaymentWorld::open().await;
    let body = r#"{"id":"evt_1","id":"evt_2","object":"event","type":"customer.created","created":1700000000,"livemode":false,"data":{"object":{"id":"cus_1"}}}"#;
    let (status, _) = deliver(&world, body, Some(&signed(body, SECRET, 0))).await;
    assert_eq!(status, 200, "whoever signed it has done its part");
    let parked = "select count(*) from booking.inbox where kind = 'unreadable' and state = 'UNMATCHED'";
    assert_eq!((world.count(KEPT).await, world.count(parked).await), (1, 1));
}

#[tokio::test]
async fn the_same_event_with_another_body_is_kept_apart_and_never_acted_on() {
    let world = PaymentWorld::open().await;
    for id in ["cus_1", "cus_2"] {
        let body = event("evt_1").replace("cus_1", id);
        assert_eq!(deliver(&world, &body, Some(&signed(&body, SECRET, 0))).await.0, 200);
    }
    assert_eq!(world.count(KEPT).await, 1);
    assert_eq!(world.count("select count(*) from booking.inbox_variants").await, 1);
}

#[tokio::test]
async fn of_a_flood_of_webhooks_none_is_lost_and_customers_are_served() {
    const FLOOD: i64 = 300;
    let world = PaymentWorld::open().await;
    let flood = (0..FLOOD).map(|number| {
        let event = json!({"type": "payment_intent.processing", "id": format!("evt_{number}"), "copies": 3,
            "object": {"id": "pi_of_nobody", "object": "payment_intent", "status": "processing", "amount": 1,
            "currency": "eur", "amount_capturable": 0, "amount_received": 0, "capture_method": "manual",
            "created": 1_700_000_000, "livemode": false, "metadata": {}}});
        world.gateway.control("events", event)
    });
    let customer = async {
        let (show, ada) = (world.show(1, LONG).await, world.customer().await);
        let reservation = ada.reserve(&show, &[0]).await;
        ada.pay(&reservation, "pm_card_visa").await;
        ada.until(&reservation, "CONFIRMED").await;
    };
    futures_util::join!(futures_util::future::join_all(flood), customer);
    let kept = "select count(*) from booking.inbox where gateway_reference = 'pi_of_nobody'";
    world.until_count("all are kept, each once", kept, FLOOD).await;
    let parked = "select count(*) from booking.inbox where state = 'UNMATCHED'";
    assert_eq!(world.count(parked).await, FLOOD, "what is about nobody is parked");
}

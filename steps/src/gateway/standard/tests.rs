//! The adapter against answers that are written down here; the simulator's tests are in `api`.

use super::*;
use crate::gateway::{
    BadEvent, CaptureMethod, Currency, Doubt, FactKind, Gateway, RefundId, RefundStatus, fact::DisputeStage,
};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use uuid::Uuid;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path, query_param, query_param_is_missing},
};

fn order() -> Order {
    Order {
        money: Money::new(12_500, Currency::EUR),
        method: "pm_card_visa".parse().unwrap(),
        capture: CaptureMethod::Manual,
        return_url: Some("https://shop.example/back".to_owned()),
        trace: Trace {
            payment_id: Some(Uuid::from_u128(2)),
            saga_id: Some(Uuid::from_u128(1)),
            ..Trace::default()
        },
    }
}

fn reference() -> Value {
    json!({"saga": Uuid::from_u128(1), "payment": Uuid::from_u128(2)})
}

fn charge(state: &str) -> Value {
    let held = if state == "held" { "125.00" } else { "0.00" };
    let taken = if state == "taken" { "125.00" } else { "0.00" };
    json!({"state": state, "hold": true, "amount": "125.00", "currency": "EUR", "held": held, "taken": taken,
        "returned": "0.00", "reference": reference(), "action": null, "refusal": null, "refunds": [],
        "made_at": "2026-01-02T03:04:05.678Z", "mode": "test"})
}

fn listed(state: &str) -> Value {
    let mut charge = charge(state);
    charge["id"] = json!("chg_1");
    charge
}

fn shown(status: u16, body: Value) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("charge-id", "chg_1").set_body_json(body)
}

async fn started() -> (MockServer, Gateway) {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = MockServer::start().await;
    let config = HttpConfig {
        deadline: Duration::from_millis(400),
        requests_per_s: NonZeroU32::new(10_000).unwrap(),
        ..HttpConfig::new(server.uri(), "bank_test_1")
    };
    let gateway = Gateway::new(StandardGateway::new(config).unwrap());
    (server, gateway)
}

async fn answers(server: &MockServer, verb: &str, at: &str, answer: ResponseTemplate) {
    Mock::given(method(verb)).and(path(at)).respond_with(answer).mount(server).await;
}

#[tokio::test]
async fn authorising_is_a_draft_and_a_go_in_decimals_under_request_ids() {
    let (server, gateway) = started().await;
    let ordered = json!({"amount": "125.00", "currency": "EUR", "source": "pm_card_visa", "hold": true,
        "reference": reference()});
    Mock::given(method("POST"))
        .and(path("/v2/charges"))
        .and(header("request-id", "saga:3:create"))
        .and(header("authorization", "Bearer bank_test_1"))
        .and(body_json(ordered))
        .respond_with(shown(201, charge("drafted")))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/v2/charges/chg_1/go"))
        .and(header("request-id", "saga:3:confirm"))
        .and(body_json(json!({"return_to": "https://shop.example/back"})))
        .respond_with(shown(200, charge("held")))
        .expect(1)
        .mount(&server)
        .await;
    let intent = gateway.authorise(&order(), "saga:3").await.unwrap();
    intent.check(&order()).unwrap();
    assert_eq!((intent.id, intent.amount_capturable), (IntentId::new("chg_1"), Some(12_500)));
}

#[tokio::test]
async fn a_bank_that_says_no_says_200_and_it_is_a_decline() {
    let (server, gateway) = started().await;
    let mut refused = charge("refused");
    refused["refusal"] = json!({"reason": "card_declined", "bank": "insufficient_funds"});
    answers(&server, "POST", "/v2/charges/chg_1/go", shown(200, refused)).await;
    let error = gateway.confirm(&IntentId::new("chg_1"), &order(), "k").await.unwrap_err();
    assert!(
        matches!(&error, GatewayError::Declined { decline_code: Some(why), intent: Some(_), .. } if why == "insufficient_funds"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_stored_500_that_hides_a_held_charge_is_found_by_asking_anew() {
    let (server, gateway) = started().await;
    let stored = ResponseTemplate::new(500).insert_header("request-replayed", "true");
    Mock::given(header("request-id", "k:confirm")).respond_with(stored).mount(&server).await;
    let refusal = json!({"reason": "wrong-state", "text": "it has gone", "charge": listed("held")});
    let refusal = ResponseTemplate::new(409).set_body_json(refusal);
    Mock::given(header("request-id", "k:confirm-2")).respond_with(refusal).mount(&server).await;
    let intent = gateway.confirm(&IntentId::new("chg_1"), &order(), "k").await.unwrap();
    assert_eq!(intent.secured(), Some(order().money));
}

#[tokio::test]
async fn each_error_is_sorted_by_what_the_caller_may_do() {
    use GatewayError as E;
    type Is = fn(&GatewayError) -> bool;
    let problem = |reason: &str| json!({"reason": reason, "text": "\u{2026}", "field": "amount"});
    let cases: [(u16, Value, Is); 11] = [
        (401, problem("key"), |e| matches!(e, E::Unauthorised { status: 401 })),
        (404, problem("unknown-charge"), |e| matches!(e, E::Invalid { status: 404, intent: Some(_), .. })),
        (409, problem("request-running"), |e| matches!(e, E::KeyInUse { .. })),
        (409, problem("disputed"), |e| matches!(e, E::WrongState { code, .. } if code == "disputed")),
        (422, problem("request-reused"), |e| matches!(e, E::KeyReused)),
        (
            422,
            problem("too-much"),
            |e| matches!(e, E::Invalid { param, intent: Some(_), .. } if param == "amount"),
        ),
        (429, json!("slow down"), |e| matches!(e, E::Busy { .. })),
        (503, json!("down"), |e| matches!(e, E::Unclear(Doubt::Server { status: 503, replayed: false }))),
        (404, json!("<html>proxy</html>"), |e| matches!(e, E::Unclear(Doubt::Garbage { .. }))),
        (200, json!({"state": "held"}), |e| matches!(e, E::Unclear(Doubt::Garbage { .. }))),
        (
            200,
            {
                let mut odd = charge("held");
                odd["held"] = json!("125.0");
                odd
            },
            |e| matches!(e, E::Unclear(Doubt::Garbage { .. })),
        ),
    ];
    for (status, body, is) in cases {
        let (server, gateway) = started().await;
        answers(&server, "POST", "/v2/charges/chg_1/take", shown(status, body)).await;
        answers(&server, "GET", "/v2/charges/chg_1", shown(200, charge("drafted"))).await;
        let error = gateway.capture(&IntentId::new("chg_1"), order().money, "k").await.unwrap_err();
        assert!(is(&error), "{status}: {error:?}");
    }
}

#[tokio::test]
async fn an_answer_about_another_charge_or_about_none_is_no_answer() {
    let (server, gateway) = started().await;
    answers(&server, "GET", "/v2/charges/chg_2", shown(200, charge("held"))).await;
    answers(&server, "GET", "/v2/charges/chg_3", ResponseTemplate::new(200).set_body_json(charge("held")))
        .await;
    for id in ["chg_2", "chg_3"] {
        let error = gateway.read(&IntentId::new(id)).await.unwrap_err();
        assert!(matches!(error, GatewayError::Unclear(Doubt::Garbage { .. })), "{id}: {error:?}");
    }
}

#[tokio::test]
async fn refunds_are_nested_under_their_charge() {
    let (server, gateway) = started().await;
    let refund = |id: &str, state: &str, second: u32| json!({"id": id, "amount": "5.00", "state": state, "reference": {}, "made_at": format!("2026-01-02T03:04:{second:02}Z")});
    let mut taken = charge("taken");
    taken["refunds"] = json!([refund("ref_1", "failed", 1), refund("ref_2", "pending", 2)]);
    taken["returned"] = json!("5.00");
    answers(&server, "GET", "/v2/charges/chg_1", shown(200, taken)).await;
    let accepted = ResponseTemplate::new(201).insert_header("refund-id", "ref_2").set_body_json(json!({}));
    answers(&server, "POST", "/v2/charges/chg_1/refunds", accepted).await;
    let id = IntentId::new("chg_1");
    let order =
        RefundOrder { intent: id.clone(), money: Money::new(500, Currency::EUR), trace: order().trace };
    let made = gateway.refund(&order, "k").await.unwrap();
    assert_eq!((made.id, made.status), (RefundId::new("ref_2"), RefundStatus::Pending));
    let ids: Vec<_> = gateway.refunds(&id).await.unwrap().into_iter().map(|refund| refund.id).collect();
    assert_eq!(ids, [RefundId::new("ref_2"), RefundId::new("ref_1")]);
    assert_eq!(gateway.read(&id).await.unwrap().amount_refunded, Some(500));
}

#[tokio::test]
async fn charges_are_listed_and_found_in_pages() {
    let (server, gateway) = started().await;
    let page = |more: bool| {
        ResponseTemplate::new(200).set_body_json(json!({"charges": [listed("held")], "more": more}))
    };
    let charges = || Mock::given(method("GET")).and(path("/v2/charges"));
    let payment = query_param("payment", "00000000-0000-0000-0000-000000000002");
    charges()
        .and(payment)
        .and(query_param_is_missing("before"))
        .respond_with(page(true))
        .mount(&server)
        .await;
    charges().and(query_param("before", "chg_1")).respond_with(page(false)).mount(&server).await;
    charges().and(query_param("from", "2026-01-01T00:00:00Z")).respond_with(page(true)).mount(&server).await;
    assert_eq!(gateway.find(&order().trace).await.unwrap().len(), 2);
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let window = Window { from: at("2026-01-01T00:00:00Z"), to: at("2026-02-01T00:00:00Z") };
    assert_eq!(gateway.list(&window, None).await.unwrap().next, Some(IntentId::new("chg_1")));
}

fn message(kind: &str, state: &str) -> Value {
    json!({"type": kind, "at": "2026-01-02T03:04:05Z", "mode": "live", "charge": listed(state)})
}

#[test]
fn news_becomes_facts_whose_id_is_the_messages() {
    let cases = [
        ("charge.held", "held", FactKind::Authorised, 12_500),
        ("charge.taken", "taken", FactKind::Captured, 12_500),
        ("charge.refused", "refused", FactKind::Declined, 12_500),
        ("charge.working", "working", FactKind::Processing, 12_500),
        ("charge.asked", "asked", FactKind::ActionRequired, 12_500),
        ("charge.dropped", "dropped", FactKind::Cancelled, 12_500),
        (
            "refund.changed",
            "taken",
            FactKind::Refund { id: RefundId::new("ref_1"), status: RefundStatus::Failed },
            500,
        ),
        (
            "dispute.opened",
            "taken",
            FactKind::Dispute {
                id: "dp_1".to_owned(),
                stage: DisputeStage::Opened,
                status: "open".to_owned(),
            },
            700,
        ),
    ];
    for (kind, state, expected, amount) in cases {
        let mut message = message(kind, state);
        message["refund"] = json!({"id": "ref_1", "amount": "5.00", "state": "failed", "reference": {},
            "made_at": "2026-01-02T03:04:05Z"});
        message["dispute"] = json!({"id": "dp_1", "amount": "7.00", "state": "open"});
        let fact = read_event("msg_1", message.to_string().as_bytes()).unwrap();
        assert_eq!((&fact.kind, fact.money), (&expected, Some(Money::new(amount, Currency::EUR))), "{kind}");
        assert_eq!((fact.event_id.as_str(), fact.provider.as_str(), fact.live), ("msg_1", "standard", true));
        let ours = if kind == "refund.changed" { Trace::default() } else { order().trace };
        assert_eq!((fact.intent, fact.trace), (Some(IntentId::new("chg_1")), ours), "{kind}");
    }
    let other = read_event("msg_2", message("customer.moved", "held").to_string().as_bytes()).unwrap();
    assert_eq!(other.kind, FactKind::Ignored("customer.moved".to_owned()));
}

#[test]
fn doubled_keys_and_half_messages_are_no_facts() {
    let good = message("charge.held", "held").to_string();
    for bad in [
        good.replace(r#""held":"125.00""#, r#""held":"125.00","held":"1.00""#),
        good.replace(r#""held":"125.00""#, r#""held":"125""#),
        good.replace(r#""type":"#, r#""kind":"#),
        good.replace(r#""charge":"#, r#""other":"#),
        good[1..].to_owned(),
    ] {
        let read = read_event("msg_1", bad.as_bytes());
        assert!(matches!(read, Err(BadEvent::Json(_) | BadEvent::Value(_))), "{bad}: {read:?}");
    }
}

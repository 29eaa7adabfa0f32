//! The adapter against answers that are written down here; the simulator's tests are in `api`.

mod faults;
mod lists;
mod refusals;
mod replays;

use super::*;
use crate::gateway::{CaptureMethod, Currency, Doubt, Gateway};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use uuid::Uuid;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_string_contains, header, method, path},
};

const CREATE: &str = "/v1/payment_intents";
const CONFIRM: &str = "/v1/payment_intents/pi_1/confirm";

fn order() -> Order {
    Order {
        money: Money::new(12_500, Currency::EUR),
        method: "pm_card_visa".parse().unwrap(),
        capture: CaptureMethod::Manual,
        return_url: Some("https://shop.example/back?a=1".to_owned()),
        trace: Trace {
            saga_id: Some(Uuid::from_u128(1)),
            payment_id: Some(Uuid::from_u128(2)),
            reservation_id: Some(Uuid::from_u128(3)),
        },
    }
}

fn intent(status: &str) -> Value {
    let capturable = if status == "requires_capture" { 12_500 } else { 0 };
    json!({
        "id": "pi_1", "object": "payment_intent", "status": status, "amount": 12_500, "currency": "eur",
        "amount_capturable": capturable, "amount_received": 0, "capture_method": "manual", "created": 1_700_000_000,
        "livemode": false, "next_action": null, "last_payment_error": null,
        "latest_charge": {"id": "ch_1", "object": "charge", "amount_refunded": 0},
        "metadata": {
            "saga_id": Uuid::from_u128(1), "payment_id": Uuid::from_u128(2), "reservation_id": Uuid::from_u128(3),
            "order": "from elsewhere",
        },
    })
}

fn error(kind: &str, code: &str, about: Option<&str>) -> Value {
    json!({"error": {
        "type": kind, "code": code, "message": "…", "decline_code": "insufficient_funds",
        "payment_intent": about.map(intent),
    }})
}

async fn started() -> (MockServer, Gateway) {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = MockServer::start().await;
    let gateway = adapter(&server.uri());
    (server, gateway)
}

fn key_of(request: &wiremock::Request) -> Option<String> {
    Some(request.headers.get("idempotency-key")?.to_str().unwrap().to_owned())
}

fn adapter(url: &str) -> Gateway {
    adapter_with(url, |_| {})
}

fn adapter_with(url: &str, change: impl FnOnce(&mut StripeConfig)) -> Gateway {
    let requests_per_s = NonZeroU32::new(10_000).unwrap();
    let deadline = Duration::from_millis(400);
    let mut config = StripeConfig { deadline, requests_per_s, ..StripeConfig::new(url, "sk_test_1") };
    change(&mut config);
    Gateway::new(Stripe::new(config).unwrap())
}

async fn answers(server: &MockServer, at: &str, status: u16, body: Value) {
    Mock::given(path(at)).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(server).await;
}

#[tokio::test]
async fn authorising_is_a_create_and_a_confirm_under_two_keys() {
    let (server, gateway) = started().await;
    let created = Mock::given(method("POST"))
        .and(path(CREATE))
        .and(header("idempotency-key", "saga:3:create"))
        .and(header("authorization", "Bearer sk_test_1"))
        .and(body_string_contains("amount=12500&currency=eur&payment_method=pm_card_visa"))
        .and(body_string_contains("capture_method=manual"))
        .and(body_string_contains("metadata%5Bpayment_id%5D=00000000-0000-0000-0000-000000000002"));
    created
        .respond_with(ResponseTemplate::new(200).set_body_json(intent("requires_confirmation")))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path(CONFIRM))
        .and(header("idempotency-key", "saga:3:confirm"))
        .and(body_string_contains("return_url=https%3A%2F%2Fshop.example%2Fback%3Fa%3D1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(intent("requires_capture")))
        .expect(1)
        .mount(&server)
        .await;
    let intent = gateway.authorise(&order(), "saga:3").await.unwrap();
    intent.check(&order()).unwrap();
    assert_eq!(intent.secured(), Some(order().money));
}

#[tokio::test]
async fn a_decline_that_does_not_show_its_intent_is_looked_behind() {
    for (status, held) in [("requires_capture", true), ("requires_payment_method", false)] {
        let (server, gateway) = started().await;
        let mut now = intent(status);
        if !held {
            now["last_payment_error"] = json!({"code": "card_declined", "decline_code": "lost_card"});
        }
        answers(&server, CREATE, 200, intent("requires_confirmation")).await;
        answers(&server, CONFIRM, 402, error("card_error", "card_declined", None)).await;
        answers(&server, "/v1/payment_intents/pi_1", 200, now).await;
        match gateway.authorise(&order(), "k").await {
            Ok(intent) => assert!(held && intent.secured() == Some(order().money)),
            Err(GatewayError::Declined { decline_code, intent: Some(intent), .. }) => {
                assert_eq!((held, decline_code.as_deref()), (false, Some("lost_card")));
                assert_eq!(intent.id, IntentId::new("pi_1"), "whoever gives up must know what to cancel");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn each_error_answer_is_sorted_by_what_the_caller_may_do() {
    use GatewayError as E;
    type Is = fn(&GatewayError) -> bool;
    let cases: [(u16, Value, Is); 16] = [
        (402, error("card_error", "card_declined", Some("requires_payment_method")), |e| {
            matches!(e, E::Declined { code, decline_code: Some(why), intent: Some(intent) }
                if code == "card_declined" && why == "insufficient_funds"
                    && intent.status == IntentStatus::RequiresPaymentMethod)
        }),
        (
            400,
            error("invalid_request_error", "payment_intent_unexpected_state", Some("requires_confirmation")),
            |e| {
                matches!(e, E::WrongState { intent: Some(intent), .. }
                    if intent.status == IntentStatus::RequiresConfirmation)
            },
        ),
        (400, error("invalid_request_error", "charge_already_refunded", None), |e| {
            matches!(e, E::WrongState { intent: Some(_), .. })
        }),
        (
            400,
            error("invalid_request_error", "resource_missing", None),
            |e| matches!(e, E::Invalid { code, .. } if code == "resource_missing"),
        ),
        (400, error("idempotency_error", "x", None), |e| matches!(e, E::KeyReused)),
        (401, error("invalid_request_error", "x", None), |e| matches!(e, E::Unauthorised { status: 401 })),
        (404, error("invalid_request_error", "resource_missing", None), |e| {
            matches!(e, E::Invalid { status: 404, intent: Some(_), .. })
        }),
        (408, error("invalid_request_error", "x", None), |e| {
            matches!(e, E::Unclear(Doubt::Garbage { status: 408, .. }))
        }),
        (409, error("idempotency_error", "idempotency_key_in_use", None), |e| {
            matches!(e, E::KeyInUse { .. })
        }),
        (409, error("invalid_request_error", "lock_timeout", None), |e| matches!(e, E::Busy { .. })),
        (429, json!("slow down"), |e| matches!(e, E::Busy { .. })),
        (404, json!("<html>proxy</html>"), |e| matches!(e, E::Unclear(Doubt::Garbage { status: 404, .. }))),
        (503, json!("down"), |e| matches!(e, E::Unclear(Doubt::Server { status: 503, replayed: false }))),
        (200, json!({"id": "pi_1"}), |e| matches!(e, E::Unclear(Doubt::Garbage { .. }))),
        (
            200,
            {
                let mut x = intent("requires_capture");
                x["id"] = json!("pi_2");
                x
            },
            |e| matches!(e, E::Unclear(Doubt::Garbage { .. })),
        ),
        (
            200,
            {
                let mut x = intent("requires_capture");
                x["status"] = json!("haunted");
                x
            },
            |e| matches!(e, E::Unclear(Doubt::Garbage { .. })),
        ),
    ];
    for (status, body, is) in cases {
        let (server, gateway) = started().await;
        answers(&server, CONFIRM, status, body).await;
        answers(&server, "/v1/payment_intents/pi_1", 200, intent("requires_confirmation")).await;
        let error = gateway.confirm(&IntentId::new("pi_1"), &order(), "k").await.unwrap_err();
        assert!(is(&error), "{status}: {error:?}");
        let unsure = matches!(error, E::Unclear(_) | E::KeyInUse { .. });
        assert_eq!(error.is_surely_not_done(), !unsure);
    }
}

#[tokio::test]
async fn automatic_capture_takes_the_money_with_the_confirmation() {
    let (server, gateway) = started().await;
    let mut taken = intent("succeeded");
    taken["capture_method"] = json!("automatic");
    taken["amount_received"] = json!(12_500);
    Mock::given(path(CREATE))
        .and(body_string_contains("capture_method=automatic"))
        .respond_with(ResponseTemplate::new(200).set_body_json(intent("requires_confirmation")))
        .expect(1)
        .mount(&server)
        .await;
    answers(&server, CONFIRM, 200, taken).await;
    let order = Order { capture: CaptureMethod::Automatic, ..order() };
    let intent = gateway.authorise(&order, "k").await.unwrap();
    intent.check(&order).unwrap();
    assert_eq!((intent.capture, intent.amount_received), (CaptureMethod::Automatic, Some(12_500)));
}

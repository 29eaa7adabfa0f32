//! The adapter against answers that are written down here; the simulator's tests are in `api`.

use super::*;
use crate::gateway::{CaptureMethod, Currency, Doubt, FactKind, Gateway, IntentStatus, Unsent};
use serde_json::{Value, json};
use std::time::Instant;
use uuid::Uuid;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, body_string_contains, header, method, path, query_param},
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
    let config = StripeConfig { deadline: Duration::from_millis(400), ..StripeConfig::new(url, "sk_test_1") };
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
async fn each_error_answer_is_sorted_by_what_the_caller_may_do() {
    use GatewayError as E;
    type Is = fn(&GatewayError) -> bool;
    let cases: [(u16, Value, Is); 15] = [
        (402, error("card_error", "card_declined", Some("requires_payment_method")), |e| {
            matches!(e, E::Declined { code, decline_code: Some(why), intent: Some(intent) }
                if code == "card_declined" && why == "insufficient_funds"
                    && intent.status == IntentStatus::RequiresPaymentMethod)
        }),
        (
            400,
            error("invalid_request_error", "payment_intent_unexpected_state", Some("succeeded")),
            |e| matches!(e, E::WrongState { intent: Some(intent), .. } if intent.status == IntentStatus::Succeeded),
        ),
        (400, error("invalid_request_error", "charge_already_refunded", None), |e| {
            matches!(e, E::WrongState { intent: None, .. })
        }),
        (
            400,
            error("invalid_request_error", "resource_missing", None),
            |e| matches!(e, E::Invalid { code, .. } if code == "resource_missing"),
        ),
        (400, error("idempotency_error", "x", None), |e| matches!(e, E::KeyReused)),
        (401, error("invalid_request_error", "x", None), |e| matches!(e, E::Unauthorised { status: 401 })),
        (404, error("invalid_request_error", "resource_missing", None), |e| matches!(e, E::NotFound)),
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
        let error = gateway.confirm(&IntentId::new("pi_1"), &order(), "k").await.unwrap_err();
        assert!(is(&error), "{status}: {error:?}");
        let unsure = matches!(error, E::Unclear(_) | E::KeyInUse { .. });
        assert_eq!(error.is_surely_not_done(), !unsure);
    }
}

#[tokio::test]
async fn retry_after_is_handed_on() {
    let (server, gateway) = started().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "7");
    Mock::given(path(CREATE)).respond_with(busy).mount(&server).await;
    let error = gateway.create(&order(), "k").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn a_hang_and_a_huge_body_are_cut_and_a_redirect_is_not_followed() {
    let (server, gateway) = started().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(30));
    let huge = ResponseTemplate::new(200).set_body_string(" ".repeat(OBJECT_BYTES_MAX + 1));
    let away = ResponseTemplate::new(307).insert_header("location", format!("{}/elsewhere", server.uri()));
    for (id, answer) in [("slow", slow), ("huge", huge), ("away", away)] {
        Mock::given(path(format!("{CREATE}/{id}"))).respond_with(answer).mount(&server).await;
    }
    Mock::given(path("/elsewhere")).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    let began = Instant::now();
    let read = async |id: &str| gateway.read(&IntentId::new(id)).await.unwrap_err();
    assert!(matches!(read("slow").await, GatewayError::Unclear(Doubt::Deadline(_))));
    assert!(matches!(read("huge").await, GatewayError::Unclear(Doubt::TooLarge(OBJECT_BYTES_MAX))));
    assert!(matches!(read("away").await, GatewayError::Unclear(Doubt::Redirect(307))));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_replayed_answer_is_read_again_and_a_replayed_500_is_named() {
    let (server, gateway) = started().await;
    let replay = |status| ResponseTemplate::new(status).insert_header("idempotent-replayed", "true");
    let old = replay(200).set_body_json(intent("requires_action"));
    Mock::given(method("POST")).and(path(CONFIRM)).respond_with(old).mount(&server).await;
    Mock::given(path("/v1/payment_intents/pi_1/capture")).respond_with(replay(500)).mount(&server).await;
    answers(&server, "/v1/payment_intents/pi_1", 200, intent("canceled")).await;
    let id = IntentId::new("pi_1");
    let now = gateway.confirm(&id, &order(), "k").await.unwrap();
    assert_eq!(now.status, IntentStatus::Canceled);
    let error = gateway.capture(&id, order().money, "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Server { status: 500, replayed: true })));
    let keys: Vec<_> = server.received_requests().await.unwrap().iter().filter_map(key_of).collect();
    assert_eq!(
        keys,
        ["k:confirm", "k:capture", "k:capture-2"],
        "the state guards a capture, so it is asked anew"
    );
}

#[tokio::test]
async fn confirmed_before_under_a_forgotten_key_counts_as_confirmed() {
    let (server, gateway) = started().await;
    answers(&server, CREATE, 200, intent("requires_confirmation")).await;
    let refusal = error("invalid_request_error", "payment_intent_unexpected_state", Some("requires_capture"));
    answers(&server, CONFIRM, 400, refusal).await;
    let intent = gateway.authorise(&order(), "k").await.unwrap();
    assert_eq!(intent.status, IntentStatus::RequiresCapture);
}

#[tokio::test]
async fn cancelling_what_is_cancelled_and_capturing_what_is_captured_is_done() {
    let (server, gateway) = started().await;
    let refusal = |status| error("invalid_request_error", "payment_intent_unexpected_state", Some(status));
    answers(&server, "/v1/payment_intents/pi_1/cancel", 400, refusal("canceled")).await;
    answers(&server, "/v1/payment_intents/pi_1/capture", 400, refusal("succeeded")).await;
    let id = IntentId::new("pi_1");
    assert!(gateway.cancel(&id, CancelReason::Abandoned, "k").await.is_ok());
    let nothing_received = gateway.capture(&id, order().money, "k").await;
    assert!(matches!(nothing_received, Err(GatewayError::WrongState { .. })), "the amount must be right too");
    assert!(gateway.capture(&id, Money::new(0, Currency::EUR), "k").await.is_ok());
}

#[tokio::test]
async fn a_refused_connection_is_surely_unsent_and_failures_in_a_row_open_the_breaker() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let gateway = adapter(&url);
    for _ in 0..BreakerConfig::default().failures_max {
        let error = gateway.create(&order(), "k").await.unwrap_err();
        assert!(matches!(error, GatewayError::Refused(Unsent::Connect(_))), "{error:?}");
    }
    let error = gateway.create(&order(), "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Refused(Unsent::BreakerOpen { .. })), "{error:?}");
    assert!(error.is_surely_not_done() && error.retry_after().is_some());
}

#[tokio::test]
async fn lists_are_paged_and_searches_name_our_id() {
    let (server, gateway) = started().await;
    Mock::given(path(CREATE))
        .and(query_param("created[gte]", "1700000000"))
        .and(query_param("created[lt]", "1700003600"))
        .and(query_param("starting_after", "pi_9"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"data": [intent("canceled")], "has_more": true})),
        )
        .mount(&server)
        .await;
    Mock::given(path("/v1/payment_intents/search"))
        .and(query_param("query", "metadata['payment_id']:'00000000-0000-0000-0000-000000000002'"))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"data": [intent("processing")], "has_more": false})),
        )
        .mount(&server)
        .await;
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    let window = Window { from: at(1_700_000_000), to: at(1_700_003_600) };
    let page = gateway.list(&window, Some(&IntentId::new("pi_9"))).await.unwrap();
    assert_eq!(page.next, Some(IntentId::new("pi_1")));
    assert_eq!(gateway.find(&order().trace).await.unwrap()[0].status, IntentStatus::Processing);
    assert!(gateway.find(&Trace::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn events_come_back_with_their_body_and_their_fact() {
    let (server, gateway) = started().await;
    let event = json!({"id": "evt_1", "type": "payment_intent.amount_capturable_updated", "created": 1_700_000_000,
        "livemode": false, "data": {"object": intent("requires_capture")}});
    answers(&server, "/v1/events", 200, json!({"data": [event], "has_more": false})).await;
    let page = gateway.events(DateTime::UNIX_EPOCH, None).await.unwrap();
    assert_eq!(page.next, None);
    let event = &page.items[0];
    assert_eq!(serde_json::from_str::<Value>(&event.body).unwrap()["id"], "evt_1");
    assert_eq!((&event.fact.kind, event.fact.money), (&FactKind::Authorised, Some(order().money)));
    assert_eq!(event.fact.trace, order().trace);
}

#[tokio::test]
async fn a_base_key_out_of_bounds_is_never_sent() {
    let (server, gateway) = started().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).expect(0).mount(&server).await;
    for key in ["", "a b", &"k".repeat(KEY_BYTES_MAX + 1)] {
        assert!(matches!(gateway.create(&order(), key).await, Err(GatewayError::Invalid { .. })));
    }
}

#[test]
fn the_secret_key_travels_only_by_tls_or_on_this_machine_and_is_never_shown() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = |url: &str| Stripe::new(StripeConfig::new(url, "sk_live_secret"));
    assert!(matches!(made("http://gateway.example"), Err(BadStripeConfig::Insecure(_))));
    assert!(matches!(made("gateway.example"), Err(BadStripeConfig::Url(_))));
    let shown = format!("{:?}", made("https://api.stripe.com").unwrap());
    assert!(!shown.contains("sk_live_secret"), "{shown}");
}

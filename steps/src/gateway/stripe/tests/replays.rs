//! Answers that were given before: under a key, or by the intent itself.

use super::*;
use wiremock::matchers::header_regex;

/// The answer under every key that ends in `operation`.
async fn under(server: &MockServer, operation: &str, answer: ResponseTemplate) {
    Mock::given(header_regex("idempotency-key", &format!(":{operation}$")))
        .respond_with(answer)
        .mount(server)
        .await;
}

fn good(status: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(intent(status))
}

fn replay(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("idempotent-replayed", "true")
}

async fn keys(server: &MockServer) -> Vec<String> {
    server.received_requests().await.unwrap().iter().filter_map(key_of).collect()
}

#[tokio::test]
async fn a_stored_500_of_a_confirmation_that_had_its_effect_does_not_lose_the_booking() {
    let (server, gateway) = started().await;
    under(&server, "create", good("requires_confirmation")).await;
    under(&server, "confirm", replay(500)).await;
    answers(&server, "/v1/payment_intents/pi_1", 200, intent("requires_capture")).await;
    let intent = gateway.authorise(&order(), "k").await.unwrap();
    assert_eq!(intent.secured(), Some(order().money));
    assert_eq!(keys(&server).await, ["k:create", "k:confirm"]);
}

#[tokio::test]
async fn a_stored_500_of_a_confirmation_without_effect_is_asked_under_a_second_key() {
    let (server, gateway) = started().await;
    under(&server, "create", good("requires_confirmation")).await;
    under(&server, "confirm", replay(500)).await;
    under(&server, "confirm-2", good("requires_capture")).await;
    answers(&server, "/v1/payment_intents/pi_1", 200, intent("requires_confirmation")).await;
    let intent = gateway.authorise(&order(), "k").await.unwrap();
    assert_eq!(intent.secured(), Some(order().money));
    assert_eq!(keys(&server).await, ["k:create", "k:confirm", "k:confirm-2"]);
}

#[tokio::test]
async fn a_stored_500_of_a_confirmation_that_was_declined_is_a_decline() {
    let (server, gateway) = started().await;
    under(&server, "confirm", replay(500)).await;
    let mut declined = intent("requires_payment_method");
    declined["last_payment_error"] = json!({"code": "card_declined", "decline_code": "lost_card"});
    answers(&server, "/v1/payment_intents/pi_1", 200, declined).await;
    let error = gateway.confirm(&IntentId::new("pi_1"), &order(), "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Declined { intent: Some(_), .. }), "{error:?}");
}

#[tokio::test]
async fn a_fresh_500_is_unclear_and_nothing_else_is_asked() {
    let (server, gateway) = started().await;
    under(&server, "confirm", ResponseTemplate::new(500)).await;
    let error = gateway.confirm(&IntentId::new("pi_1"), &order(), "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Server { replayed: false, .. })), "{error:?}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_stored_500_of_a_create_is_asked_under_a_second_key_since_it_moves_no_money() {
    let (server, gateway) = started().await;
    under(&server, "create", replay(500)).await;
    under(&server, "create-2", good("requires_confirmation")).await;
    assert_eq!(gateway.create(&order(), "k").await.unwrap().id, IntentId::new("pi_1"));
    assert_eq!(keys(&server).await, ["k:create", "k:create-2"]);
}

#[tokio::test]
async fn an_old_refusal_is_not_the_last_word_about_a_refund_or_a_cancel() {
    let (server, gateway) = started().await;
    let old = |code| replay(400).set_body_json(error("invalid_request_error", code, None));
    under(&server, "refund", old("charge_disputed")).await;
    under(&server, "refund-2", old("charge_disputed")).await;
    let made = json!({"id": "re_1", "payment_intent": "pi_1", "amount": 5, "currency": "eur", "status": "pending",
        "created": 1});
    under(&server, "refund-3", ResponseTemplate::new(200).set_body_json(made)).await;
    under(&server, "cancel", old("payment_intent_unexpected_state")).await;
    under(&server, "cancel-2", good("canceled")).await;
    let id = IntentId::new("pi_1");
    let order = RefundOrder { intent: id.clone(), money: Money::new(5, Currency::EUR), trace: order().trace };
    gateway.refund(&order, "k").await.unwrap();
    gateway.cancel(&id, CancelReason::Abandoned, "k").await.unwrap();
    assert_eq!(keys(&server).await, ["k:refund", "k:refund-2", "k:refund-3", "k:cancel", "k:cancel-2"]);
}

#[tokio::test]
async fn an_old_500_of_a_refund_is_left_to_the_caller_since_money_may_have_gone_back() {
    let (server, gateway) = started().await;
    under(&server, "refund", replay(500)).await;
    let money = Money::new(5, Currency::EUR);
    let order = RefundOrder { intent: IntentId::new("pi_1"), money, trace: order().trace };
    let error = gateway.refund(&order, "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Server { replayed: true, .. })), "{error:?}");
    assert_eq!(keys(&server).await, ["k:refund"]);
}

#[tokio::test]
async fn a_refused_state_without_its_intent_is_looked_up() {
    let (server, gateway) = started().await;
    let refusal = error("invalid_request_error", "payment_intent_unexpected_state", None);
    for verb in ["confirm", "capture", "cancel"] {
        answers(&server, &format!("/v1/payment_intents/pi_1/{verb}"), 400, refusal.clone()).await;
    }
    answers(&server, CREATE, 200, intent("requires_confirmation")).await;
    answers(&server, "/v1/payment_intents/pi_1", 200, intent("requires_capture")).await;
    let id = IntentId::new("pi_1");
    assert_eq!(gateway.authorise(&order(), "k").await.unwrap().secured(), Some(order().money));
    for refused in [
        gateway.capture(&id, order().money, "k").await,
        gateway.cancel(&id, CancelReason::Abandoned, "k").await,
    ] {
        let Err(GatewayError::WrongState { intent: Some(intent), .. }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(intent.status, IntentStatus::RequiresCapture);
    }
}

#[tokio::test]
async fn a_replayed_refund_is_shown_as_it_is_now() {
    let (server, gateway) = started().await;
    let refund = |status| json!({"id": "re_1", "payment_intent": "pi_1", "amount": 500, "currency": "eur", "status": status, "created": 1});
    under(&server, "refund", replay(200).set_body_json(refund("pending"))).await;
    answers(&server, "/v1/refunds/re_1", 200, refund("failed")).await;
    let money = Money::new(500, Currency::EUR);
    let order = RefundOrder { intent: IntentId::new("pi_1"), money, trace: order().trace };
    let made = gateway.refund(&order, "k").await.unwrap();
    assert_eq!(made.status, crate::gateway::RefundStatus::Failed);
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
    let captures = (2..=KEYS_MAX).map(|number| format!("k:capture-{number}"));
    let expected: Vec<_> =
        ["k:confirm".to_owned(), "k:capture".to_owned()].into_iter().chain(captures).collect();
    assert_eq!(keys(&server).await, expected, "the state guards a capture, so it is asked anew");
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

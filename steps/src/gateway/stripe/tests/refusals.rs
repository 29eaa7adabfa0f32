//! Refusals of gateways that only speak like Stripe: the intent says what they mean.

use super::*;

const INTENT: &str = "/v1/payment_intents/pi_1";

/// Bodies of 4xx that name no code that we know.
fn bodies() -> [Value; 5] {
    [
        json!({"error": {"type": "invalid_request_error", "message": "Bad request"}}),
        json!({"error": {"message": "no"}}),
        json!({"error": "no"}),
        json!({}),
        error("invalid_request_error", "a_code_of_their_own", None),
    ]
}

fn taken() -> Value {
    let mut taken = intent("succeeded");
    taken["amount_received"] = json!(12_500);
    taken
}

/// Each request is refused with this status and body, and the intent is so.
async fn refused(status: u16, body: &Value, now: Value) -> (MockServer, Gateway) {
    let (server, gateway) = started().await;
    for verb in ["confirm", "capture", "cancel"] {
        answers(&server, &format!("{INTENT}/{verb}"), status, body.clone()).await;
    }
    answers(&server, INTENT, 200, now).await;
    (server, gateway)
}

#[tokio::test]
async fn whatever_the_refusal_says_what_is_done_is_done() {
    let id = IntentId::new("pi_1");
    for status in [400, 404, 409, 410, 422] {
        for body in bodies() {
            let (_server, gateway) = refused(status, &body, intent("requires_capture")).await;
            let confirmed = gateway.confirm(&id, &order(), "k").await.unwrap();
            assert_eq!(confirmed.secured(), Some(order().money), "{status} {body}");
            let (_server, gateway) = refused(status, &body, taken()).await;
            let captured = gateway.capture(&id, order().money, "k").await.unwrap();
            assert_eq!(captured.secured(), Some(order().money), "{status} {body}");
            let (_server, gateway) = refused(status, &body, intent("canceled")).await;
            let cancelled = gateway.cancel(&id, CancelReason::Abandoned, "k").await.unwrap();
            assert_eq!(cancelled.status, IntentStatus::Canceled, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_refusal_of_what_is_not_done_shows_the_intent() {
    let id = IntentId::new("pi_1");
    for status in [400, 404, 422] {
        for body in bodies() {
            let (_server, gateway) = refused(status, &body, taken()).await;
            let error = gateway.cancel(&id, CancelReason::Abandoned, "k").await.unwrap_err();
            let shown = error.intent().map(|intent| intent.status);
            assert_eq!(shown, Some(IntentStatus::Succeeded), "{status} {body}: {error:?}");
            let (_server, gateway) = refused(status, &body, intent("requires_confirmation")).await;
            let error = gateway.confirm(&id, &order(), "k").await.unwrap_err();
            assert!(matches!(error, GatewayError::Invalid { intent: Some(_), .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_whose_intent_can_not_be_read_is_no_refusal_yet() {
    let (server, gateway) = started().await;
    answers(&server, CONFIRM, 400, json!({"error": {"message": "no"}})).await;
    Mock::given(path(INTENT)).respond_with(ResponseTemplate::new(503)).mount(&server).await;
    let error = gateway.confirm(&IntentId::new("pi_1"), &order(), "k").await.unwrap_err();
    assert!(matches!(error, GatewayError::Unclear(Doubt::Server { status: 503, .. })), "{error:?}");
}

#[tokio::test]
async fn a_404_to_a_create_refuses_it_whoever_answers() {
    for body in [json!({"error": {"type": "invalid_request_error", "message": "Not Found"}}), json!("<html>")]
    {
        let (server, gateway) = started().await;
        answers(&server, CREATE, 404, body).await;
        let error = gateway.create(&order(), "k").await.unwrap_err();
        assert!(matches!(error, GatewayError::Invalid { status: 404, intent: None, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn an_amount_that_is_not_said_is_unknown_and_read_again() {
    for (status, field) in [("requires_capture", "amount_capturable"), ("succeeded", "amount_received")] {
        let (server, gateway) = started().await;
        let (mut without, mut whole) = (intent(status), intent(status));
        whole[field] = json!(12_500);
        without.as_object_mut().unwrap().remove(field);
        answers(&server, CONFIRM, 200, without.clone()).await;
        let once = ResponseTemplate::new(200).set_body_json(&without);
        Mock::given(path(INTENT)).respond_with(once).up_to_n_times(1).mount(&server).await;
        answers(&server, INTENT, 200, whole).await;
        let id = IntentId::new("pi_1");
        let unknown = gateway.read(&id).await.unwrap();
        assert!(unknown.is_amount_unknown() && unknown.secured().is_none(), "{unknown:?}");
        let known = gateway.confirm(&id, &order(), "k").await.unwrap();
        assert_eq!((known.is_amount_unknown(), known.secured()), (false, Some(order().money)));
    }
    let none = without_amounts("canceled").await;
    assert!(!none.is_amount_unknown(), "there is nothing to be unknown of");
}

async fn without_amounts(status: &str) -> Intent {
    let (server, gateway) = started().await;
    let mut bare = intent(status);
    for field in ["amount_capturable", "amount_received"] {
        bare.as_object_mut().unwrap().remove(field);
    }
    answers(&server, INTENT, 200, bare).await;
    gateway.read(&IntentId::new("pi_1")).await.unwrap()
}

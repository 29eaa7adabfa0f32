//! Stripe's error answers, sorted by what the caller may do.

use super::wire::PaymentIntent;
use crate::gateway::{
    GatewayError, Intent,
    http::{Reply, garbage},
    text::{sentence, word},
};
use serde::Deserialize;

/// Codes that speak of the object's state and not of our request.
const STATE_CODES: [&str; 9] = [
    "payment_intent_unexpected_state",
    "capture_charge_authorization_expired",
    "charge_expired_for_capture",
    "charge_already_captured",
    "charge_already_refunded",
    "charge_disputed",
    "charge_not_refundable",
    "refund_disputed_payment",
    "payment_intent_invalid_parameter_for_state",
];

#[derive(Deserialize)]
struct Body {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    #[serde(rename = "type")]
    kind: String,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
    message: Option<String>,
    payment_intent: Option<PaymentIntent>,
}

/// What a 4xx means. One that isn't Stripe's JSON (a proxy's page) leaves the outcome unknown.
pub(super) fn read(reply: &Reply) -> GatewayError {
    let Reply { status, retry_after, .. } = *reply;
    let error = match (status, serde_json::from_slice::<Body>(&reply.body)) {
        // Limits are often enforced in front of Stripe's API, with any body.
        (429, _) => return GatewayError::Busy { retry_after },
        (_, Ok(body)) => body.error,
        (_, Err(_)) => return garbage(status, "an error without Stripe's JSON"),
    };
    let code = word(error.code.as_ref().unwrap_or(&error.kind));
    let intent = match error.payment_intent.map(PaymentIntent::read).transpose() {
        Ok(intent) => intent.map(Box::<Intent>::new),
        Err(field) => return garbage(status, field),
    };
    match (status, error.kind.as_str()) {
        (401 | 403, _) => GatewayError::Unauthorised { status },
        (404, _) => GatewayError::NotFound,
        (409, _) if code == "lock_timeout" => GatewayError::Busy { retry_after },
        (409, _) => GatewayError::KeyInUse { retry_after },
        (400, "idempotency_error") => GatewayError::KeyReused,
        (400 | 402, _) if STATE_CODES.contains(&code.as_str()) => GatewayError::WrongState { code, intent },
        (402, _) => {
            GatewayError::Declined { code, decline_code: error.decline_code.as_deref().map(word), intent }
        }
        (400, _) => GatewayError::Invalid {
            code,
            param: error.param.as_deref().map(word).unwrap_or_default(),
            message: sentence(&error.message.unwrap_or_default()),
        },
        _ => garbage(status, "a status that the protocol doesn't have"),
    }
}

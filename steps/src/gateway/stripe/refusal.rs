//! Stripe's error answers, sorted by what the caller may do.

use super::wire::PaymentIntent;
use crate::gateway::{
    GatewayError, Intent,
    http::{Reply, garbage},
    text::{sentence, word},
};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

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

/// All of it may be missing: gateways that only speak like Stripe give what they like.
#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Error,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Error {
    #[serde(rename = "type")]
    kind: String,
    code: Option<String>,
    decline_code: Option<String>,
    param: Option<String>,
    message: Option<String>,
    payment_intent: Option<Box<RawValue>>,
}

/// What a 4xx means. One that isn't JSON (a proxy's page) leaves the outcome unknown.
pub(super) fn read(reply: &Reply) -> GatewayError {
    let Reply { status, retry_after, .. } = *reply;
    let error = match (status, body(&reply.body)) {
        // Limits are often enforced in front of Stripe's API, with any body.
        (429, _) => return GatewayError::Busy { retry_after },
        (_, Some(body)) => body.error,
        (_, None) => return garbage(status, "an error without Stripe's JSON"),
    };
    let code = word(error.code.as_ref().unwrap_or(&error.kind));
    let intent = error.payment_intent.as_deref().and_then(shown).map(Box::new);
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
        // Too slow, or too early: it may still be on its way.
        (408 | 425, _) => garbage(status, "a request that the gateway has not taken in time"),
        (400..=499, _) => GatewayError::Invalid {
            status,
            code,
            param: error.param.as_deref().map(word).unwrap_or_default(),
            message: sentence(&error.message.unwrap_or_default()),
            intent,
        },
        _ => garbage(status, "a status that the protocol doesn't have"),
    }
}

/// The body, as far as it is as Stripe writes it. `None` if it is no JSON object.
fn body(bytes: &[u8]) -> Option<Body> {
    let object = || serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    serde_json::from_slice(bytes).ok().or_else(|| object().map(|_| Body::default()))
}

/// The intent that a refusal shows. One that can't be read is as good as none: it is asked for then.
fn shown(intent: &RawValue) -> Option<Intent> {
    serde_json::from_str::<PaymentIntent>(intent.get()).ok()?.read().ok()
}

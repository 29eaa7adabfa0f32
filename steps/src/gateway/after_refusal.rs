//! Decides what an answer about an intent means: by the intent, never by the code of a refusal.
//!
//! Gateways refuse what is done already, what can't be done any more and what is simply wrong with the same 4xx, often
//! without a code, and with codes that we don't know. So after a refusal the intent is read, unless the refusal shows it.

use super::{GatewayError, Intent, IntentId, PaymentGateway};

/// The intent of an answer to a request about intent `id`, as it is now.
///
/// It is read again where the answer can't be the last word: it is a replay, it doesn't say how much money there is,
/// or it is a refusal that doesn't show the intent. A refusal is a success if the intent `is_done`, as we want it.
///
/// # Errors
/// The refusal, with the intent in it. If the intent can't be read: the refusal if the caller reads the intent
/// anyway, otherwise the error of the reading, so that the caller tries again.
pub(super) async fn settle(
    gateway: &impl PaymentGateway,
    answer: Result<Intent, GatewayError>,
    is_replayed: bool,
    id: &IntentId,
    is_done: impl Fn(&Intent) -> bool,
) -> Result<Intent, GatewayError> {
    let refusal = match answer {
        Ok(intent) if !is_replayed && !intent.is_amount_unknown() => return Ok(intent),
        Ok(_) => return gateway.read(id).await,
        Err(error) if error.is_refusal() => error,
        Err(error) => return Err(error),
    };
    let now = match refusal.intent() {
        Some(shown) if !is_replayed && !shown.is_amount_unknown() => shown.clone(),
        Some(_) | None => match gateway.read(id).await {
            Ok(now) => now,
            Err(unread) => return Err(unseen(refusal, unread)),
        },
    };
    if is_done(&now) {
        return Ok(now);
    }
    match refusal {
        GatewayError::WrongState { code, .. } => {
            Err(GatewayError::WrongState { code, intent: Some(Box::new(now)) })
        }
        GatewayError::Declined { code, decline_code, .. } => {
            let now = now.or_declined()?;
            Err(GatewayError::Declined { code, decline_code, intent: Some(Box::new(now)) })
        }
        GatewayError::Invalid { status, code, param, message, .. } => {
            Err(GatewayError::Invalid { status, code, param, message, intent: Some(Box::new(now)) })
        }
        GatewayError::NotFound => Err(not_found(Some(Box::new(now)))),
        // The refusal says nothing by itself, and the intent is not done, so the caller sends the request again.
        refusal @ (GatewayError::KeyReused
        | GatewayError::KeyInUse { .. }
        | GatewayError::Unauthorised { .. }
        | GatewayError::Busy { .. }
        | GatewayError::Refused(_)
        | GatewayError::Unclear(_)) => Err(refusal),
    }
}

/// The answer to a create. A 404, whoever sends it, is a refusal of this attempt: something that the order names is not
/// there, for example the payment method. It says nothing of earlier attempts.
pub(super) fn settle_create(answer: Result<Intent, GatewayError>) -> Result<Intent, GatewayError> {
    match answer {
        Err(error) if error.is_not_found() => Err(not_found(None)),
        other => other,
    }
}

/// The error if there was a refusal and the intent can't be read.
fn unseen(refusal: GatewayError, unread: GatewayError) -> GatewayError {
    match refusal {
        // No caller takes these as final: it reads the intent later, or sends the request again.
        GatewayError::WrongState { code, .. } => GatewayError::WrongState { code, intent: None },
        GatewayError::KeyReused | GatewayError::KeyInUse { .. } | GatewayError::Unclear(_) => refusal,
        // These would be final, although the gateway may have money.
        GatewayError::Declined { .. } | GatewayError::NotFound | GatewayError::Invalid { .. } => unread,
        // None of these is a refusal.
        GatewayError::Unauthorised { .. } | GatewayError::Busy { .. } | GatewayError::Refused(_) => refusal,
    }
}

fn not_found(intent: Option<Box<Intent>>) -> GatewayError {
    GatewayError::Invalid {
        status: 404,
        code: "not-found".to_owned(),
        param: String::new(),
        message: "the gateway doesn't know what the request names".to_owned(),
        intent,
    }
}

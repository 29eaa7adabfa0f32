//! Records as Stripe's JSON.

use super::{
    intent::{Capture, Charge, Intent},
    refund::Refund,
};
use serde_json::{Value, json};

/// `expanded` puts the charge in place of its id, as `expand[]=latest_charge` asks.
pub(in crate::gateway) fn intent(intent: &Intent, expanded: bool) -> Value {
    let charge_of = |found: &Charge| if expanded { charge(intent, found) } else { json!(found.id) };
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "status": intent.status,
        "amount": intent.amount,
        "currency": intent.currency,
        "amount_capturable": intent.amount_capturable,
        "amount_received": intent.amount_received,
        "capture_method": match intent.capture {
            Capture::Manual => "manual",
            Capture::Automatic => "automatic",
        },
        "confirmation_method": "automatic",
        "payment_method": intent.method,
        "payment_method_types": ["card"],
        "metadata": intent.metadata,
        "next_action": intent.action.as_ref().map(|action| json!({
            "type": "redirect_to_url",
            "redirect_to_url": {"url": action.url, "return_url": action.return_url},
        })),
        "last_payment_error": intent.last_error.as_ref().map(|error| json!({
            "type": "card_error",
            "code": error.code,
            "decline_code": error.decline_code,
            "message": "Your card was declined.",
        })),
        "latest_charge": intent.charge.as_ref().map(charge_of),
        "cancellation_reason": intent.cancellation_reason,
        "created": intent.created_s,
        "livemode": false,
    })
}

pub(in crate::gateway) fn charge(intent: &Intent, charge: &Charge) -> Value {
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": intent.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "captured": charge.amount_captured > 0,
        "refunded": charge.amount_captured > 0 && charge.amount_refunded >= charge.amount_captured,
        "disputed": charge.dispute.is_some(),
        "currency": intent.currency,
        "payment_intent": intent.id,
        "metadata": intent.metadata,
        "paid": true,
        "status": "succeeded",
        "created": intent.created_s,
        "livemode": false,
    })
}

/// `null` if there is none.
pub(in crate::gateway) fn dispute(intent: &Intent) -> Value {
    let charge = intent.charge.as_ref();
    let Some((charge, dispute)) = charge.and_then(|charge| Some((charge, charge.dispute.as_ref()?))) else {
        return Value::Null;
    };
    json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "currency": intent.currency,
        "charge": charge.id,
        "payment_intent": intent.id,
        "reason": "fraudulent",
        "status": dispute.status,
        "metadata": {},
        "livemode": false,
    })
}

pub(in crate::gateway) fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "currency": refund.currency,
        "charge": refund.charge,
        "payment_intent": refund.intent,
        "metadata": refund.metadata,
        "status": refund.status,
        "created": refund.created_s,
    })
}

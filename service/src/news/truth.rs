//! Compares what the gateway says now with what was ordered.

use steps::{
    Secured,
    gateway::{Intent, IntentStatus},
    store::payments::PaymentRow,
};
use workflows::PaymentNews;

/// What an intent means for the payment that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It is news for the saga.
    News(PaymentNews),
    /// The gateway or the customer has not finished yet.
    Nothing,
    /// The money is there, and the gateway doesn't say how much. It is asked again later.
    Unknown,
    /// It differs from what was ordered, so a person must look.
    Lie(&'static str),
}

/// Decides by status, amounts, currency and our id, and never by the event that made us look.
pub fn of(intent: &Intent, ordered: &PaymentRow) -> Truth {
    if intent.trace.payment_id != Some(ordered.payment.uuid()) {
        return Truth::Lie("the intent belongs to another payment");
    }
    if intent.money != ordered.amount {
        return Truth::Lie("the intent is of another amount or currency than was ordered");
    }
    if intent.is_amount_unknown() {
        return Truth::Unknown;
    }
    if let Some(secured) = Secured::of(intent) {
        return match secured.money == ordered.amount {
            true => Truth::News(PaymentNews::Secured(secured)),
            false => Truth::Lie("another amount was secured than was ordered"),
        };
    }
    match intent.status {
        IntentStatus::Canceled => failed(ordered, "canceled".into()),
        IntentStatus::RequiresPaymentMethod => match &intent.last_error {
            Some(error) => failed(ordered, error.decline_code.clone().unwrap_or_else(|| error.code.clone())),
            None => Truth::Nothing,
        },
        IntentStatus::RequiresConfirmation
        | IntentStatus::RequiresAction
        | IntentStatus::Processing
        | IntentStatus::RequiresCapture
        | IntentStatus::Succeeded => Truth::Nothing,
    }
}

fn failed(ordered: &PaymentRow, reason: String) -> Truth {
    Truth::News(PaymentNews::Failed { reason, payment: Some(ordered.payment) })
}

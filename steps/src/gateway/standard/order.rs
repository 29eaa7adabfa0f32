//! Our orders as the standard protocol's JSON.

use crate::gateway::{CancelReason, CaptureMethod, Money, Order, RefundOrder, Trace};
use serde_json::{Map, Value, json};

/// The same order always gives the same JSON.
pub(super) fn create(order: &Order) -> Value {
    json!({
        "amount": order.money.decimal(),
        "currency": order.money.currency,
        "source": order.method,
        "hold": order.capture == CaptureMethod::Manual,
        "reference": reference(&order.trace),
    })
}

pub(super) fn go(order: &Order) -> Value {
    json!({"return_to": order.return_url})
}

pub(super) fn take(money: Money) -> Value {
    json!({"amount": money.decimal()})
}

pub(super) fn drop(reason: CancelReason) -> Value {
    let why = match reason {
        CancelReason::RequestedByCustomer => "customer",
        CancelReason::Abandoned => "abandoned",
    };
    json!({"why": why})
}

pub(super) fn refund(order: &RefundOrder) -> Value {
    json!({"amount": order.money.decimal(), "reference": reference(&order.trace)})
}

fn reference(trace: &Trace) -> Value {
    let named =
        [("saga", trace.saga_id), ("payment", trace.payment_id), ("reservation", trace.reservation_id)];
    let named = named.into_iter().filter_map(|(name, id)| Some((name.to_owned(), json!(id?))));
    Value::Object(named.collect::<Map<_, _>>())
}

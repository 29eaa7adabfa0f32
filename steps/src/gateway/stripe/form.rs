//! Our orders as the parameters of Stripe's requests.

use super::TYPES;
use crate::gateway::{
    CancelReason, CaptureMethod, EventId, IntentId, Money, Order, PAGE_ITEMS_MAX, RefundId, RefundOrder,
    Trace, Window, http::Parameters,
};
use chrono::{DateTime, Utc};

/// The same order always gives the same parameters, in the same order: Stripe compares them under one key.
pub(super) fn create(order: &Order) -> Parameters {
    let capture = match order.capture {
        CaptureMethod::Manual => "manual",
        CaptureMethod::Automatic => "automatic",
    };
    let mut parameters = vec![
        ("amount", order.money.amount.to_string()),
        ("currency", order.money.currency.as_str().to_ascii_lowercase()),
        ("payment_method", order.method.as_str().to_owned()),
        ("payment_method_types[]", "card".to_owned()),
        ("capture_method", capture.to_owned()),
    ];
    metadata(&mut parameters, &order.trace);
    expanded(parameters)
}

pub(super) fn confirm(order: &Order) -> Parameters {
    let return_url = order.return_url.clone().map(|url| ("return_url", url));
    expanded(return_url.into_iter().collect())
}

pub(super) fn capture(money: Money) -> Parameters {
    expanded(vec![("amount_to_capture", money.amount.to_string())])
}

pub(super) fn cancel(reason: CancelReason) -> Parameters {
    let reason = match reason {
        CancelReason::RequestedByCustomer => "requested_by_customer",
        CancelReason::Abandoned => "abandoned",
    };
    expanded(vec![("cancellation_reason", reason.to_owned())])
}

pub(super) fn refund(order: &RefundOrder) -> Parameters {
    let mut parameters =
        vec![("payment_intent", order.intent.to_string()), ("amount", order.money.amount.to_string())];
    metadata(&mut parameters, &order.trace);
    parameters
}

pub(super) fn refunds(id: &IntentId, after: Option<&RefundId>) -> Parameters {
    let mut parameters = vec![("payment_intent", id.to_string()), ("limit", PAGE_ITEMS_MAX.to_string())];
    parameters.extend(after.map(|id| ("starting_after", id.to_string())));
    parameters
}

/// By the payment, else by the saga; `None` if the trace names neither.
pub(super) fn search(trace: &Trace, page: Option<String>) -> Option<Parameters> {
    let (name, id) = match *trace {
        Trace { payment_id: Some(id), .. } => ("payment_id", id),
        Trace { saga_id: Some(id), .. } => ("saga_id", id),
        _ => return None,
    };
    let mut parameters = vec![
        ("query", format!("metadata['{name}']:'{id}'")),
        ("limit", PAGE_ITEMS_MAX.to_string()),
        ("expand[]", "data.latest_charge".to_owned()),
    ];
    parameters.extend(page.map(|page| ("page", page)));
    Some(parameters)
}

pub(super) fn list(window: &Window, after: Option<&IntentId>) -> Parameters {
    let mut parameters = vec![
        ("created[gte]", window.from.timestamp().to_string()),
        ("created[lt]", window.to.timestamp().to_string()),
        ("limit", PAGE_ITEMS_MAX.to_string()),
        ("expand[]", "data.latest_charge".to_owned()),
    ];
    parameters.extend(after.map(|id| ("starting_after", id.to_string())));
    parameters
}

pub(super) fn events(since: DateTime<Utc>, after: Option<&EventId>) -> Parameters {
    let mut parameters =
        vec![("created[gte]", since.timestamp().to_string()), ("limit", PAGE_ITEMS_MAX.to_string())];
    parameters.extend(TYPES.map(|kind| ("types[]", kind.to_owned())));
    parameters.extend(after.map(|id| ("starting_after", id.to_string())));
    parameters
}

/// The charge as an object, for what was refunded.
pub(super) fn expanded(mut parameters: Parameters) -> Parameters {
    parameters.push(("expand[]", "latest_charge".to_owned()));
    parameters
}

fn metadata(parameters: &mut Parameters, trace: &Trace) {
    let named = [
        ("metadata[saga_id]", trace.saga_id),
        ("metadata[payment_id]", trace.payment_id),
        ("metadata[reservation_id]", trace.reservation_id),
    ];
    parameters.extend(named.into_iter().filter_map(|(name, id)| Some((name, id?.to_string()))));
}

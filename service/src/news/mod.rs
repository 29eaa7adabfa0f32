//! News of payments. All news comes in the same way: webhooks, the cron jobs and `POST /bookings` put a fact into the
//! inbox, and it is acted on once, however often it came.
//!
//! A fact is news and may be wrong by now: it comes twice, late and out of order. So before a saga is told of money, the
//! intent is read again at the gateway and compared with the order. A fact that can't be acted on yet stays in the
//! inbox and is tried again. After a day, or if it contradicts what we know, it is left for a person.

mod about;
mod act;
mod amounts;
mod ask;
mod disputes;
mod gateway;
mod item;
mod money;
mod owed;
mod read_back;
mod receive;
mod refunds;
mod truth;

pub use act::{act, act_again};
pub use ask::ask;
pub use item::Acted;
pub use read_back::read_back;
pub use receive::{Received, park, receive};
pub(crate) use refunds::start_telling;

use chrono::{DateTime, Utc};
use serde_json::Value;
use steps::{
    PaymentId,
    gateway::{Fact, FactKind},
    store::inbox::FactColumns,
};

/// A fact as the inbox holds it; `None` for a fact that we don't act on.
pub(crate) fn columns(fact: &Fact) -> Option<FactColumns> {
    Some(FactColumns {
        kind: kind(&fact.kind)?.to_owned(),
        payment: fact.trace.payment_id.map(PaymentId::from_uuid),
        reference: fact.intent.as_ref().map(ToString::to_string),
        money: fact.money,
        at: fact.at,
        whole: serde_json::to_value(fact).unwrap_or(Value::Null),
    })
}

/// The inbox's word for a kind.
fn kind(kind: &FactKind) -> Option<&'static str> {
    match kind {
        FactKind::Authorised => Some("authorised"),
        FactKind::Captured => Some("captured"),
        FactKind::Declined => Some("declined"),
        FactKind::Processing => Some("processing"),
        FactKind::ActionRequired => Some("action-required"),
        FactKind::Cancelled => Some("cancelled"),
        FactKind::ChargeRefunded => Some("charge-refunded"),
        FactKind::Refund { .. } => Some("refund"),
        FactKind::Dispute { .. } => Some("dispute"),
        FactKind::Ignored(_) => None,
    }
}

/// A time in whole seconds, as gateways write it.
pub(crate) fn whole_seconds(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time)
}

//! Stripe's JSON, as far as we read it, and how it becomes our words.

use crate::gateway::{
    CaptureMethod, ChargeId, Currency, Intent, IntentId, IntentStatus, LastError, Money, NextAction, Refund,
    RefundId, RefundStatus, Trace, text::word,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::Error};
use uuid::Uuid;

/// A page of a list or of a search.
#[derive(Deserialize)]
pub(super) struct List<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
    /// A search's own cursor.
    #[serde(default)]
    pub next_page: Option<String>,
}

/// Our ids; what isn't a UUID was not written by us and reads as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Metadata {
    saga_id: Option<String>,
    payment_id: Option<String>,
    reservation_id: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PaymentIntent {
    id: IntentId,
    status: IntentStatus,
    amount: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    /// A gateway that doesn't say how much has not said that it is nothing.
    #[serde(default)]
    amount_capturable: Option<i64>,
    #[serde(default)]
    amount_received: Option<i64>,
    capture_method: WireCapture,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    next_action: Option<WireAction>,
    #[serde(default)]
    last_payment_error: Option<WireError>,
    #[serde(default)]
    latest_charge: Option<WireCharge>,
    created: i64,
    #[serde(default)]
    livemode: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireCapture {
    Manual,
    #[serde(alias = "automatic_async")]
    Automatic,
}

#[derive(Deserialize)]
struct WireAction {
    #[serde(rename = "type")]
    kind: String,
    redirect_to_url: Option<WireRedirect>,
}

#[derive(Deserialize)]
struct WireRedirect {
    url: String,
}

#[derive(Deserialize)]
struct WireError {
    code: Option<String>,
    decline_code: Option<String>,
}

/// An id, or the object where we asked to have it expanded.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireCharge {
    Id(ChargeId),
    Expanded { id: ChargeId, amount_refunded: Option<i64> },
}

#[derive(Deserialize)]
pub(super) struct WireRefund {
    id: RefundId,
    payment_intent: Option<IntentId>,
    amount: i64,
    #[serde(deserialize_with = "currency")]
    currency: Currency,
    status: RefundStatus,
    #[serde(default)]
    metadata: Option<Metadata>,
    created: i64,
}

impl Metadata {
    pub fn trace(self) -> Trace {
        let id = |text: Option<String>| text.and_then(|text| Uuid::parse_str(&text).ok());
        Trace {
            saga_id: id(self.saga_id),
            payment_id: id(self.payment_id),
            reservation_id: id(self.reservation_id),
        }
    }
}

impl PaymentIntent {
    /// In our words, or which field can't be.
    pub fn read(self) -> Result<Intent, &'static str> {
        let (latest_charge, amount_refunded) = match self.latest_charge {
            // Where money was taken there is a charge, even if the gateway doesn't show it.
            None => (None, (self.status != IntentStatus::Succeeded).then_some(0)),
            Some(WireCharge::Id(id)) => (Some(id), None),
            Some(WireCharge::Expanded { id, amount_refunded }) => (Some(id), amount_refunded),
        };
        let amounts = [Some(self.amount), self.amount_capturable, self.amount_received, amount_refunded];
        if amounts.into_iter().flatten().any(|amount| amount < 0) {
            return Err("a negative amount");
        }
        Ok(Intent {
            id: self.id,
            status: self.status,
            money: Money::new(self.amount, self.currency),
            amount_capturable: self.amount_capturable,
            amount_received: self.amount_received,
            amount_refunded,
            capture: match self.capture_method {
                WireCapture::Manual => CaptureMethod::Manual,
                WireCapture::Automatic => CaptureMethod::Automatic,
            },
            trace: self.metadata.unwrap_or_default().trace(),
            next_action: self.next_action.map(|action| NextAction {
                kind: word(&action.kind),
                url: action.redirect_to_url.map(|redirect| redirect.url),
            }),
            last_error: self.last_payment_error.map(|error| LastError {
                code: word(error.code.as_deref().unwrap_or_default()),
                decline_code: error.decline_code.as_deref().map(word),
            }),
            latest_charge,
            created: time(self.created)?,
            live: self.livemode,
        })
    }
}

impl WireRefund {
    /// In our words, or which field can't be.
    pub fn read(self) -> Result<Refund, &'static str> {
        if self.amount < 0 {
            return Err("a negative amount");
        }
        Ok(Refund {
            id: self.id,
            intent: self.payment_intent,
            money: Money::new(self.amount, self.currency),
            status: self.status,
            trace: self.metadata.unwrap_or_default().trace(),
            created: time(self.created)?,
        })
    }
}

/// Stripe writes currencies in lower case.
pub(super) fn currency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
    String::deserialize(deserializer)?.to_ascii_uppercase().parse().map_err(D::Error::custom)
}

/// Stripe's unix seconds.
pub(super) fn time(seconds: i64) -> Result<DateTime<Utc>, &'static str> {
    DateTime::from_timestamp(seconds, 0).ok_or("a time out of range")
}

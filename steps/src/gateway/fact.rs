//! A fact: what a gateway told us, in our words.
//!
//! It comes from a webhook whose signature was verified, or from reading events back. A fact is news, not
//! truth: facts come twice, late and in any order, so before money's state moves on one the object is read
//! again from the gateway.

use super::{EventId, IntentId, Money, RefundId, RefundStatus, Trace};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One piece of news about one payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The sender, for example `stripe`.
    pub provider: String,
    /// The sender's id for the event, the same in every delivery of it.
    pub event_id: EventId,
    /// The kind of the news.
    pub kind: FactKind,
    /// The intent that it is about, if it names one.
    pub intent: Option<IntentId>,
    /// Our ids that the event carries.
    pub trace: Trace,
    /// The money that `kind` is about; `None` for kinds that we ignore, and if the gateway doesn't say how much.
    pub money: Option<Money>,
    /// When it happened, by the gateway's clock, in whole seconds.
    pub at: DateTime<Utc>,
    /// Real money (`true`) or the gateway's test mode.
    pub live: bool,
}

/// The kind of a fact. The text in brackets says what `money` is then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum FactKind {
    /// The money is held for us (what can be captured).
    Authorised,
    /// The money is ours (what was received).
    Captured,
    /// The last try to secure it failed (what was to be charged).
    Declined,
    /// The gateway is processing it (what is to be charged).
    Processing,
    /// The customer must act (what is to be charged).
    ActionRequired,
    /// The intent was cancelled (what was to be charged).
    Cancelled,
    /// Money went back, whoever asked (the sum of all that went back so far).
    ChargeRefunded,
    /// A refund was made or changed (its amount).
    Refund {
        /// The refund's id.
        id: RefundId,
        /// The refund's status.
        status: RefundStatus,
    },
    /// The customer's bank disputes the charge (the disputed amount).
    Dispute {
        /// The gateway's id of the dispute.
        id: String,
        /// Opened, changed or closed.
        stage: DisputeStage,
        /// The gateway's status of it, for example `needs_response`, `won`, `lost`.
        status: String,
    },
    /// We don't act on it. The event's type, cut to a bound.
    Ignored(String),
}

/// A body that was signed correctly but is not a valid event of its gateway. It is kept and shown, and never acted on.
#[derive(Debug, thiserror::Error)]
pub enum BadEvent {
    /// Not JSON, a field missing or doubled, or of another type.
    #[error("reading the event's JSON")]
    Json(#[source] serde_json::Error),
    /// A value that can't be.
    #[error("the event has {0}")]
    Value(&'static str),
}

/// The state of a dispute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    /// It is new: refunds are frozen.
    Opened,
    /// It has changed and is still open.
    Changed,
    /// It is decided.
    Closed,
}

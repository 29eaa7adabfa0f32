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
    /// Who told us, for example `stripe`.
    pub provider: String,
    /// The sender's id of the event: the same in every delivery of it.
    pub event_id: EventId,
    /// What it says.
    pub kind: FactKind,
    /// The intent it is about, if it names one.
    pub intent: Option<IntentId>,
    /// Our ids, as far as the event carries them.
    pub trace: Trace,
    /// The money that `kind` speaks of; `None` for what we ignore.
    pub money: Option<Money>,
    /// When it happened, by the gateway's clock, in whole seconds.
    pub at: DateTime<Utc>,
    /// Real money (`true`) or the gateway's test mode.
    pub live: bool,
}

/// What a fact says; `money` in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "detail")]
pub enum FactKind {
    /// The money is held for us (what can be captured).
    Authorised,
    /// The money is ours (what was received).
    Captured,
    /// The last try to secure it failed (what was to be charged).
    Declined,
    /// The gateway is at it (what is to be charged).
    Processing,
    /// The customer must act (what is to be charged).
    ActionRequired,
    /// The intent was cancelled (what was to be charged).
    Cancelled,
    /// Money went back, whoever asked (the sum of all that went back so far).
    ChargeRefunded,
    /// A refund came to be or changed (its amount).
    Refund {
        /// Which.
        id: RefundId,
        /// Its status.
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
    /// Nothing that we act on; the event's type, cut to a bound.
    Ignored(String),
}

/// A body that was rightly signed and yet is not an event as its gateway writes them: kept, shown, never acted on.
#[derive(Debug, thiserror::Error)]
pub enum BadEvent {
    /// Not JSON, a field missing or doubled, or of another type.
    #[error("reading the event's JSON")]
    Json(#[source] serde_json::Error),
    /// A value that can't be.
    #[error("the event has {0}")]
    Value(&'static str),
}

/// Where a dispute stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    /// New: refunds are frozen.
    Opened,
    /// News on the way.
    Changed,
    /// Decided.
    Closed,
}

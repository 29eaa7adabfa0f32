//! A payment intent and what may happen to it, by Stripe's rules.
//!
//! Each transition is a method that either refuses with Stripe's error or changes the record and says which
//! events the world should hear of.

use super::shelf::Keyed;
use crate::gateway::error_reply::ErrorReply;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use steps::amount_in_words;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Intent {
    pub id: String,
    pub created_s: i64,
    pub status: Status,
    pub amount: i64,
    /// Three letters in lower case, as Stripe writes them.
    pub currency: String,
    pub capture: Capture,
    pub method: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub amount_capturable: i64,
    pub amount_received: i64,
    pub action: Option<Action>,
    pub last_error: Option<Decline>,
    pub cancellation_reason: Option<String>,
    pub charge: Option<Charge>,
    pub due: Option<Due>,
    pub counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Succeeded,
    Canceled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum Capture {
    Manual,
    Automatic,
}

/// What the customer must do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Action {
    pub url: String,
    pub return_url: Option<String>,
}

/// Why the bank says no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::gateway) struct Decline {
    pub code: String,
    pub decline_code: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Charge {
    pub id: String,
    pub amount_captured: i64,
    pub amount_refunded: i64,
    pub dispute: Option<Dispute>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Dispute {
    pub id: String,
    pub amount: i64,
    pub status: String,
}

/// What happens by itself, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Due {
    pub at_ms: i64,
    pub ending: Ending,
}

/// How a try to secure the money ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum Ending {
    Secure,
    Decline(Decline),
}

/// What was done, for the witness: how often money moved, whatever the status says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::gateway) struct Counts {
    pub secured: u32,
    pub captured: u32,
    pub declined: u32,
    pub canceled: u32,
    pub captures_after_cancel: u32,
}

/// What confirming does.
#[derive(Clone, Debug)]
pub(in crate::gateway) enum Fate {
    End(Ending),
    /// The customer must act; with `due` they do so by themselves.
    RequireAction {
        action: Action,
        due: Option<Due>,
    },
    Process(Due),
}

/// The types of the events to send, each with the object that it carries.
pub(in crate::gateway) type EventsToSend = Vec<(&'static str, About)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::gateway) enum About {
    Intent,
    Charge,
    Dispute,
}

impl Keyed for Intent {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Decline {
    pub fn new(code: &str, decline_code: Option<&str>) -> Self {
        Self { code: code.to_owned(), decline_code: decline_code.map(str::to_owned) }
    }
}

impl Intent {
    /// A new one for the same money, under the same metadata.
    pub fn copy(&self, id: String, created_s: i64) -> Self {
        Self {
            id,
            created_s,
            status: Status::RequiresConfirmation,
            // A declined one has lost its method.
            method: self.method.clone().or_else(|| Some("pm_card_visa".to_owned())),
            amount_capturable: 0,
            amount_received: 0,
            action: None,
            last_error: None,
            cancellation_reason: None,
            charge: None,
            due: None,
            counts: Counts::default(),
            ..self.clone()
        }
    }

    /// Tries to secure the money. A decline changes the intent too: its error is for the caller to show.
    pub fn confirm(&mut self, fate: Fate) -> Result<EventsToSend, ErrorReply> {
        match self.status {
            Status::RequiresPaymentMethod | Status::RequiresConfirmation | Status::RequiresAction => {}
            Status::Processing | Status::RequiresCapture | Status::Succeeded | Status::Canceled => {
                return Err(self.unexpected_state("confirm"));
            }
        }
        if self.method.is_none() {
            return Err(self.unexpected_state("confirm, for it has no payment method,"));
        }
        self.last_error = None;
        self.action = None;
        self.due = None;
        Ok(match fate {
            Fate::End(ending) => self.end(ending),
            Fate::RequireAction { action, due } => {
                self.status = Status::RequiresAction;
                self.action = Some(action);
                self.due = due;
                vec![("payment_intent.requires_action", About::Intent)]
            }
            Fate::Process(due) => {
                self.status = Status::Processing;
                self.due = Some(due);
                vec![("payment_intent.processing", About::Intent)]
            }
        })
    }

    /// Ends what is pending: the customer acted, or the gateway is done.
    pub fn settle(&mut self, ending: Ending) -> Result<EventsToSend, ErrorReply> {
        match self.status {
            Status::RequiresAction | Status::Processing => Ok(self.end(ending)),
            Status::RequiresPaymentMethod
            | Status::RequiresConfirmation
            | Status::RequiresCapture
            | Status::Succeeded
            | Status::Canceled => Err(self.unexpected_state("settle")),
        }
    }

    pub fn capture(&mut self, amount: Option<i64>, lax: bool) -> Result<EventsToSend, ErrorReply> {
        if lax && self.status == Status::Canceled {
            self.counts.captures_after_cancel += 1;
            return Ok(vec![]);
        }
        if self.status != Status::RequiresCapture {
            return Err(self.unexpected_state("capture"));
        }
        let amount = amount.unwrap_or(self.amount_capturable);
        if amount < 1 || amount > self.amount_capturable {
            let most = amount_in_words(self.amount_capturable, &self.currency);
            let message = format!("The amount to capture must be more than nothing and at most {most}.");
            return Err(ErrorReply::parameter("amount_to_capture", "amount_too_large", &message));
        }
        self.take_money(amount);
        Ok(vec![("payment_intent.succeeded", About::Intent), ("charge.captured", About::Charge)])
    }

    pub fn cancel(&mut self, reason: Option<String>) -> Result<EventsToSend, ErrorReply> {
        if matches!(self.status, Status::Succeeded | Status::Canceled) {
            return Err(self.unexpected_state("cancel"));
        }
        self.status = Status::Canceled;
        self.cancellation_reason = reason;
        self.amount_capturable = 0;
        self.action = None;
        self.due = None;
        self.counts.canceled += 1;
        Ok(vec![("payment_intent.canceled", About::Intent)])
    }

    /// Opens a dispute: the customer's bank claims the money back, and refunds are frozen.
    pub fn dispute(&mut self, id: String, amount: Option<i64>) -> Result<EventsToSend, ErrorReply> {
        match &mut self.charge {
            Some(charge) if charge.amount_captured > 0 && charge.dispute.is_none() => {
                let amount = amount.unwrap_or(charge.amount_captured);
                charge.dispute = Some(Dispute { id, amount, status: "needs_response".to_owned() });
                Ok(vec![("charge.dispute.created", About::Dispute)])
            }
            _ => Err(self.unexpected_state("dispute")),
        }
    }

    pub fn change_dispute(&mut self, status: &str) -> Result<EventsToSend, ErrorReply> {
        let Some(dispute) = self.charge.as_mut().and_then(|charge| charge.dispute.as_mut()) else {
            return Err(self.unexpected_state("change a dispute of"));
        };
        dispute.status = status.to_owned();
        let kind = if dispute.is_open() { "charge.dispute.updated" } else { "charge.dispute.closed" };
        Ok(vec![(kind, About::Dispute)])
    }

    pub fn unexpected_state(&self, verb: &str) -> ErrorReply {
        let message = format!(
            "You cannot {verb} this PaymentIntent because it has a status of {}.",
            self.status.as_str()
        );
        ErrorReply::state("payment_intent_unexpected_state", &message).about(self)
    }

    fn end(&mut self, ending: Ending) -> EventsToSend {
        self.action = None;
        self.due = None;
        match ending {
            Ending::Secure => self.secure(),
            Ending::Decline(decline) => {
                self.status = Status::RequiresPaymentMethod;
                self.method = None;
                self.last_error = Some(decline);
                self.counts.declined += 1;
                vec![("payment_intent.payment_failed", About::Intent)]
            }
        }
    }

    fn secure(&mut self) -> EventsToSend {
        self.counts.secured += 1;
        let id = self.id.replacen("pi_", "ch_", 1);
        self.charge = Some(Charge { id, amount_captured: 0, amount_refunded: 0, dispute: None });
        match self.capture {
            Capture::Manual => {
                self.status = Status::RequiresCapture;
                self.amount_capturable = self.amount;
                vec![
                    ("payment_intent.amount_capturable_updated", About::Intent),
                    ("charge.succeeded", About::Charge),
                ]
            }
            Capture::Automatic => {
                self.take_money(self.amount);
                vec![("payment_intent.succeeded", About::Intent), ("charge.succeeded", About::Charge)]
            }
        }
    }

    fn take_money(&mut self, amount: i64) {
        self.counts.captured += 1;
        self.status = Status::Succeeded;
        self.amount_capturable = 0;
        self.amount_received = amount;
        if let Some(charge) = &mut self.charge {
            charge.amount_captured += amount;
        }
    }
}

impl Dispute {
    /// Whether refunds are frozen, as they are while it is open.
    pub fn freezes_refunds(&self) -> bool {
        self.is_open()
    }

    /// What the customer keeps of the charge for good.
    pub fn lost_minor(&self) -> i64 {
        if self.status == "lost" { self.amount } else { 0 }
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.status.as_str(), "won" | "lost" | "withdrawn" | "warning_closed")
    }
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresAction => "requires_action",
            Self::Processing => "processing",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }
}

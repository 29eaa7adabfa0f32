//! A gateway's record of one payment, and our orders to it.

use super::{ChargeId, GatewayError, IntentId, Money, PaymentMethod, RefundId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The gateway's record of one payment, as it was when read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The gateway's id.
    pub id: IntentId,
    /// The gateway's word on how far the payment is.
    pub status: IntentStatus,
    /// What it is meant to charge.
    pub money: Money,
    /// Minor units that are authorised and can still be captured; `None` if the gateway didn't say.
    pub amount_capturable: Option<i64>,
    /// Minor units that were captured; `None` if the gateway didn't say.
    pub amount_received: Option<i64>,
    /// Minor units that went back; `None` if the gateway didn't say (inside error answers and events).
    pub amount_refunded: Option<i64>,
    /// Whether its money is held first or taken at once.
    pub capture: CaptureMethod,
    /// Our ids, as we sent them.
    pub trace: Trace,
    /// What the customer must do, in [`IntentStatus::RequiresAction`].
    pub next_action: Option<NextAction>,
    /// Why the last try to secure the money failed.
    pub last_error: Option<LastError>,
    /// The charge of the last try.
    pub latest_charge: Option<ChargeId>,
    /// When it was made, by the gateway's clock, in whole seconds.
    pub created: DateTime<Utc>,
    /// Real money (`true`) or the gateway's test mode.
    pub live: bool,
}

/// Stripe's states of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntentStatus {
    /// It is new without a method, or the last try was declined.
    RequiresPaymentMethod,
    /// It is made but not confirmed.
    RequiresConfirmation,
    /// The customer must do something (3-D Secure).
    RequiresAction,
    /// The gateway is processing it and will tell later.
    Processing,
    /// The money is held for us.
    RequiresCapture,
    /// The money is captured.
    Succeeded,
    /// It has ended and can never be charged again.
    Canceled,
}

/// Whether money is held first or taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// Authorise now, capture later.
    Manual,
    /// Charge when confirmed.
    Automatic,
}

/// Our ids in the gateway's metadata. Plain ids: the port knows nothing of our types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trace {
    /// The saga that asked.
    pub saga_id: Option<Uuid>,
    /// The payment that it is for.
    pub payment_id: Option<Uuid>,
    /// The reservation that it pays for.
    pub reservation_id: Option<Uuid>,
}

/// What the customer must do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextAction {
    /// The gateway's name for it, for example `redirect_to_url`.
    pub kind: String,
    /// The page to send the customer to, if there is one.
    pub url: Option<String>,
}

/// Why securing the money failed, in the gateway's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// For example `card_declined`.
    pub code: String,
    /// The bank's reason, for example `insufficient_funds`.
    pub decline_code: Option<String>,
}

/// An order to secure money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The amount to secure.
    pub money: Money,
    /// The customer's payment method.
    pub method: PaymentMethod,
    /// Hold it or take it.
    pub capture: CaptureMethod,
    /// Where the gateway sends the customer back to after 3-D Secure.
    pub return_url: Option<String>,
    /// Our ids, which the gateway keeps as metadata.
    pub trace: Trace,
}

/// An order to give captured money back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOrder {
    /// The intent whose money goes back.
    pub intent: IntentId,
    /// The amount, at most what was captured and has not gone back yet.
    pub money: Money,
    /// Our ids, which the gateway keeps as metadata.
    pub trace: Trace,
}

/// Money on its way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The gateway's id.
    pub id: RefundId,
    /// The intent whose money it is, if the gateway says.
    pub intent: Option<IntentId>,
    /// The amount that goes back.
    pub money: Money,
    /// Its status.
    pub status: RefundStatus,
    /// Our ids, if it was we who asked.
    pub trace: Trace,
    /// When it was made, by the gateway's clock, in whole seconds.
    pub created: DateTime<Utc>,
}

/// Stripe's states of a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// It is accepted, and can still fail.
    Pending,
    /// The customer must give an account to pay to.
    RequiresAction,
    /// The money went back. Rarely it still fails later.
    Succeeded,
    /// The money came back to us, so it is still owed.
    Failed,
    /// It was called off, so the money is still owed.
    Canceled,
}

/// Why we cancel, in Stripe's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// The customer changed their mind.
    RequestedByCustomer,
    /// The time ran out, or the saga turned back.
    Abandoned,
}

/// The gateway's record is not what we ordered: never a booking, always a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Mismatch {
    /// Another amount or currency.
    #[error("the gateway has {theirs}, we ordered {ours}")]
    Money {
        /// What we ordered.
        ours: Money,
        /// What it has.
        theirs: Money,
    },
    /// Another payment's ids, or none.
    #[error("the gateway's record carries the ids of another payment")]
    Trace,
}

impl IntentStatus {
    /// Whether it has been confirmed, or can't be any more, so that there is nothing to confirm.
    pub fn is_confirmed(self) -> bool {
        !matches!(self, Self::RequiresPaymentMethod | Self::RequiresConfirmation)
    }

    /// Whether money is held for us or captured.
    pub fn has_money(self) -> bool {
        matches!(self, Self::RequiresCapture | Self::Succeeded)
    }

    /// Whether the customer or the gateway is working on it, so that it may be charged without any act of ours.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::RequiresAction | Self::Processing)
    }
}

impl Intent {
    /// The money that is held for us or captured; `None` if there is none, or if its amount is unknown
    /// ([`Intent::is_amount_unknown`]). Refunds are not subtracted.
    pub fn secured(&self) -> Option<Money> {
        let amount = match self.status {
            IntentStatus::RequiresCapture => self.amount_capturable,
            IntentStatus::Succeeded => self.amount_received,
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::Processing
            | IntentStatus::Canceled => return None,
        };
        Some(Money { amount: amount?, ..self.money })
    }

    /// Whether there is money of which the gateway doesn't say how much. It is neither nothing nor what was ordered.
    pub fn is_amount_unknown(&self) -> bool {
        self.status.has_money() && self.secured().is_none()
    }

    /// Whether exactly this much was captured.
    pub fn is_captured(&self, money: Money) -> bool {
        self.status == IntentStatus::Succeeded && self.amount_received == Some(money.amount)
    }

    /// Minor units that a capture of a part has let go; 0 as long as nothing is captured.
    pub fn released_minor(&self) -> i64 {
        match self.status {
            IntentStatus::Succeeded => self.amount_received.map_or(0, |taken| self.money.amount - taken),
            IntentStatus::RequiresPaymentMethod
            | IntentStatus::RequiresConfirmation
            | IntentStatus::RequiresAction
            | IntentStatus::Processing
            | IntentStatus::RequiresCapture
            | IntentStatus::Canceled => 0,
        }
    }

    /// The intent, unless its last try to secure the money failed, at once or later.
    ///
    /// # Errors
    /// [`GatewayError::Declined`] with the intent in it.
    pub fn or_declined(self) -> Result<Self, GatewayError> {
        match &self.last_error {
            Some(LastError { code, decline_code }) if self.status == IntentStatus::RequiresPaymentMethod => {
                Err(GatewayError::Declined {
                    code: code.clone(),
                    decline_code: decline_code.clone(),
                    intent: Some(Box::new(self)),
                })
            }
            _ => Ok(self),
        }
    }

    /// Whether this is the intent that `order` asked for, with all of its money if it says how much is secured.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    pub fn check(&self, order: &Order) -> Result<(), Mismatch> {
        let theirs = self.secured().unwrap_or(self.money);
        for theirs in [self.money, theirs] {
            if theirs != order.money {
                return Err(Mismatch::Money { ours: order.money, theirs });
            }
        }
        if self.trace != order.trace {
            return Err(Mismatch::Trace);
        }
        Ok(())
    }
}

impl RefundStatus {
    /// The money did not reach the customer and is owed again.
    pub fn is_owed_again(self) -> bool {
        matches!(self, Self::Failed | Self::Canceled)
    }
}

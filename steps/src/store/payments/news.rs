//! What a payment becomes by news from the gateway: one pure table, the same for answers, webhooks and probes.
//!
//! News comes late, twice and out of order, so every state has an answer to every piece of it: go on, nothing
//! new, or a contradiction that a person or another workflow must settle. How money comes in is decided here; how it
//! goes back in [`super::refunds`].

use super::{
    disputes::{self, DisputeUpdate},
    refunds,
    standing::Standing,
};
use crate::money::Money;
use crate::status::{MoneyState, PaymentStatus};
use crate::store::ledger::Kind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the gateway told us about one payment, or what we decided about its money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum News {
    /// The money is held for us.
    Held {
        /// The gateway's name for the payment.
        reference: String,
        /// The amount that is held.
        money: Money,
    },
    /// The money is captured.
    Captured {
        /// The gateway's name for the payment.
        reference: String,
        /// The amount that was captured.
        money: Money,
    },
    /// There will be no money: declined or expired.
    Failed {
        /// The gateway's reason.
        reason: String,
    },
    /// What was or might have been set aside was let go, and nothing can be charged any more.
    Voided,
    /// What was held, also under a booking, was not captured as ordered, and nothing of it is with us.
    NeverCaptured {
        /// Why, in one word.
        reason: String,
    },
    /// It was decided to give back all that is still with us.
    RefundOwed {
        /// The saga that decided it.
        by: String,
    },
    /// The gateway has acknowledged a refund.
    Refunded {
        /// The gateway's name for the payment.
        reference: String,
        /// The gateway's name for the refund.
        refund: String,
        /// The amount that went back.
        money: Money,
        /// The amount that was captured before; `None` if nobody has asked the gateway, and our books must have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        captured: Option<Money>,
        /// A person takes it in although it is more than we still have of the payment.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        takes_excess: bool,
    },
    /// A refund that was acknowledged failed later, or was called off: its money is owed again.
    RefundFailed {
        /// The gateway's name for the refund.
        refund: String,
    },
    /// A refund that failed is not owed: nobody here had decided it.
    RefundWithdrawn {
        /// The gateway's name for the refund.
        refund: String,
    },
    /// The customer's bank disputes the charge and has taken the money back for now: refunds are frozen.
    Disputed {
        /// The gateway's name for the payment.
        reference: String,
        /// The gateway's name for the dispute.
        dispute: String,
        /// The amount in dispute.
        money: Money,
        /// The amount that was captured before.
        captured: Money,
        /// When it began or changed, by the gateway's clock.
        at: DateTime<Utc>,
    },
    /// A dispute has ended.
    DisputeEnded {
        /// The gateway's name for the payment.
        reference: String,
        /// The gateway's name for the dispute.
        dispute: String,
        /// The amount in dispute.
        money: Money,
        /// The amount that was captured before.
        captured: Money,
        /// When it ended, by the gateway's clock.
        at: DateTime<Utc>,
        /// Whether it was decided for us; otherwise the customer keeps the money for good.
        won: bool,
    },
}

/// Why news could not be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "contradiction", rename_all = "snake_case")]
pub enum Contradiction {
    /// The amount or currency differs from the order.
    #[error("the gateway has {told}, and {expected} was ordered")]
    AmountDiffers {
        /// What was ordered.
        expected: Money,
        /// What the gateway says.
        told: Money,
    },
    /// Money came in for a payment that had ended.
    #[error("money came in for a payment that had ended")]
    Late,
    /// A way back has let go of the money that a confirmed booking stands on.
    #[error("a way back has let go of the money that a confirmed booking stands on")]
    LapsedUnderBooking,
    /// A void of money that is already with us: it must be refunded.
    #[error("money is voided that was captured before")]
    AlreadyCaptured,
    /// More went back than had come in.
    #[error("{told} went back, and only {left} was left to go back")]
    MoreThanTaken {
        /// What was left to go back.
        left: Money,
        /// What the gateway says went back.
        told: Money,
    },
}

/// What changes: the new state, and the ledger entries that the way there consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub status: PaymentStatus,
    pub money: MoneyState,
    pub refunded_minor: i64,
    pub disputed: bool,
    pub entries: Vec<Movement>,
}

/// A ledger entry to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    pub kind: Kind,
    /// `None` for the gateway's name of the payment itself.
    pub reference: Option<String>,
    pub money: Money,
}

/// The table: `Ok(None)` is nothing new.
pub(super) fn advance(standing: &Standing, news: &News) -> Result<Option<Change>, Contradiction> {
    use Kind::{Authorised, Captured, Voided};
    use MoneyState as M;
    use PaymentStatus as P;

    let expected = standing.amount;
    let change = |status, money, kinds: &[Kind]| {
        let movement = |kind: &Kind| Movement { kind: *kind, reference: None, money: expected };
        Ok(Some(Change {
            status,
            money,
            refunded_minor: standing.refunded_minor,
            disputed: standing.disputed,
            entries: kinds.iter().map(movement).collect(),
        }))
    };
    match (standing.status, standing.money, news) {
        (_, _, News::Held { money, .. } | News::Captured { money, .. }) if *money != expected => {
            Err(Contradiction::AmountDiffers { expected, told: *money })
        }
        (P::Initiated, _, News::Held { .. }) => change(P::Success, M::Held, &[Authorised]),
        (P::Initiated, _, News::Captured { .. }) => change(P::Success, M::Captured, &[Authorised, Captured]),
        (P::Initiated, _, News::Failed { .. } | News::Voided | News::NeverCaptured { .. }) => {
            change(P::Failed, M::Unsecured, &[])
        }

        (P::Success, M::Held | M::Owed, News::Captured { .. }) => {
            change(P::Success, M::Captured, &[Captured])
        }
        (P::Success, M::Held, News::Voided) => change(P::Failed, M::Voided, &[Voided]),
        // A way back lets go only what nothing stands on.
        (P::Success, M::Owed, News::Voided) => Err(Contradiction::LapsedUnderBooking),
        (P::Success, M::Held | M::Owed, News::NeverCaptured { .. }) => {
            change(P::Failed, M::Voided, &[Voided])
        }
        (P::Success, _, News::Voided | News::NeverCaptured { .. }) => Err(Contradiction::AlreadyCaptured),
        (P::Success, _, News::Held { .. } | News::Captured { .. } | News::Failed { .. }) => Ok(None),

        // A held payment that was let go may still be announced as held by an older webhook.
        (P::Failed, M::Voided, News::Held { .. }) => Ok(None),
        (P::Failed, _, News::Held { .. } | News::Captured { .. }) => Err(Contradiction::Late),
        (P::Failed, _, News::Failed { .. } | News::Voided | News::NeverCaptured { .. }) => Ok(None),
        (
            P::Refunded,
            _,
            News::Held { .. }
            | News::Captured { .. }
            | News::Failed { .. }
            | News::Voided
            | News::NeverCaptured { .. },
        ) => Ok(None),

        (_, _, News::RefundOwed { by }) => Ok(refunds::owe(standing, by)),
        (_, _, News::Refunded { refund, money, captured, takes_excess, .. }) => {
            refunds::refunded(standing, (refund.as_str(), *money), *captured, *takes_excess)
        }
        (_, _, News::RefundFailed { refund }) => Ok(refunds::refund_failed(standing, refund)),
        (_, _, News::RefundWithdrawn { refund }) => Ok(refunds::withdraw(standing, refund)),
        (_, _, News::Disputed { dispute, money, captured, at, .. }) => {
            let told = DisputeUpdate { dispute, money: *money, captured: *captured, at: *at };
            disputes::opened(standing, told)
        }
        (_, _, News::DisputeEnded { dispute, money, captured, at, won, .. }) => {
            let told = DisputeUpdate { dispute, money: *money, captured: *captured, at: *at };
            disputes::ended(standing, told, *won)
        }
    }
}

impl News {
    /// The gateway's name for the payment, where the news gives it.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Held { reference, .. }
            | Self::Captured { reference, .. }
            | Self::Refunded { reference, .. }
            | Self::Disputed { reference, .. }
            | Self::DisputeEnded { reference, .. } => Some(reference),
            Self::Failed { .. }
            | Self::Voided
            | Self::NeverCaptured { .. }
            | Self::RefundOwed { .. }
            | Self::RefundFailed { .. }
            | Self::RefundWithdrawn { .. } => None,
        }
    }

    /// Whether what it means depends on the payment's movements so far, and not on its row alone.
    pub(super) fn needs_ledger(&self) -> bool {
        match self {
            Self::Held { .. }
            | Self::Captured { .. }
            | Self::Failed { .. }
            | Self::Voided
            | Self::NeverCaptured { .. } => false,
            Self::RefundOwed { .. }
            | Self::Refunded { .. }
            | Self::RefundFailed { .. }
            | Self::RefundWithdrawn { .. }
            | Self::Disputed { .. }
            | Self::DisputeEnded { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests;

//! Refunds: accepted at once, perhaps settled later, perhaps failed after all.

use super::{Books, intent::About, news::News, shelf::Keyed};
use crate::gateway::error_reply::ErrorReply;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use steps::amount_in_words;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct Refund {
    pub id: String,
    pub created_s: i64,
    pub intent: String,
    pub charge: String,
    pub amount: i64,
    pub currency: String,
    pub status: RefundStatus,
    pub metadata: BTreeMap<String, String>,
    pub due: Option<RefundDue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::gateway) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
    Canceled,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::gateway) struct RefundDue {
    pub at_ms: i64,
    pub status: RefundStatus,
}

/// How a refund goes: its first status and, perhaps, another one later.
#[derive(Clone, Debug)]
pub(in crate::gateway) struct RefundFate {
    pub first: RefundStatus,
    pub later: Option<RefundDue>,
}

/// What was asked for.
pub(in crate::gateway) struct RefundRequest {
    pub id: String,
    pub created_s: i64,
    pub intent: String,
    pub amount: Option<i64>,
    pub metadata: BTreeMap<String, String>,
    pub fate: RefundFate,
    /// Accept more than was captured, as some peers do.
    pub lax: bool,
}

impl Keyed for Refund {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Books {
    pub fn refund(&mut self, request: RefundRequest) -> Result<Refund, ErrorReply> {
        if self.refunds.is_full() {
            return Err(ErrorReply::busy(1, "The simulator's books are full; start it with new ones."));
        }
        let missing = || ErrorReply::missing("payment_intent", &request.intent);
        let mut intent = self.intents.get(&request.intent).ok_or_else(missing)?.clone();
        let unexpected = intent.unexpected_state("refund");
        let Some(charge) = intent.charge.as_mut().filter(|charge| charge.amount_captured > 0) else {
            return Err(unexpected);
        };
        if charge.dispute.as_ref().is_some_and(|dispute| dispute.freezes_refunds()) {
            return Err(ErrorReply::state("charge_disputed", "The charge is disputed: refunds are frozen."));
        }
        let lost = charge.dispute.as_ref().map_or(0, |dispute| dispute.lost_minor());
        let left = charge.amount_captured - charge.amount_refunded - lost;
        if left <= 0 && lost > 0 {
            return Err(ErrorReply::state("charge_disputed", "The charge is lost in a dispute."));
        }
        if left <= 0 && !request.lax {
            return Err(ErrorReply::state(
                "charge_already_refunded",
                "The charge has already been refunded.",
            ));
        }
        let amount = request.amount.unwrap_or(left);
        if amount < 1 || (amount > left && !request.lax) {
            let left = amount_in_words(left, &intent.currency);
            let message = format!(
                "The refund must be more than nothing and at most what is left on the charge, {left}."
            );
            return Err(ErrorReply::parameter("amount", "amount_too_large", &message));
        }
        charge.amount_refunded += amount;
        let refund = Refund {
            id: request.id,
            created_s: request.created_s,
            charge: charge.id.clone(),
            amount,
            currency: intent.currency.clone(),
            status: request.fate.first,
            metadata: request.metadata,
            due: request.fate.later,
            intent: request.intent,
        };
        self.add_news(News::of_refund("refund.created", &refund));
        self.add_news(News::of_intent("charge.refunded", About::Charge, &intent));
        self.put_intent(intent);
        self.put_refund(refund.clone());
        Ok(refund)
    }

    /// Moves a refund on; one that fails or is called off gives its money back to the charge.
    pub fn end_refund(&mut self, id: &str, status: RefundStatus) -> Result<Refund, ErrorReply> {
        let mut refund = self.refunds.get(id).ok_or_else(|| ErrorReply::missing("refund", id))?.clone();
        if matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled) {
            return Err(ErrorReply::state("refund_unexpected_state", "The refund is over."));
        }
        refund.status = status;
        refund.due = None;
        let failed = matches!(status, RefundStatus::Failed | RefundStatus::Canceled);
        if let Some(mut intent) = self.intents.get(&refund.intent).filter(|_| failed).cloned() {
            if let Some(charge) = &mut intent.charge {
                charge.amount_refunded -= refund.amount;
            }
            self.put_intent(intent);
        }
        let kind = if status == RefundStatus::Failed { "refund.failed" } else { "refund.updated" };
        self.add_news(News::of_refund(kind, &refund));
        self.put_refund(refund.clone());
        Ok(refund)
    }
}

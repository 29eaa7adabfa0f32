//! Reopen: a refund that had been acknowledged failed, so its money is owed again.

use crate::{
    Money, PaymentId, ReservationId,
    announce::{PaymentRefundFailed, announce},
    gateway::{IntentId, RefundId},
    giving_back::look_again_after,
    store::{
        payments::{self, Applied, News, RefundTotal},
        statement_error,
    },
};
use orchestrator::{Policy, Rejected, Step, StepError, Tx};
use serde::{Deserialize, Serialize};

/// Records that a refund failed after all: the pivot of a repayment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reopen {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The gateway's id of the refund.
    pub refund: RefundId,
}

/// The money that is owed now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopened {
    /// What the payment paid for.
    pub reservation: ReservationId,
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// The whole amount that must have gone back in the end, including earlier refunds.
    pub total: Money,
    /// The refunds that have gone back already; empty in old journals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<RefundId>,
}

impl Step for Reopen {
    const NAME: &'static str = "reopen";
    const POLICY: Policy = Policy::PATIENT;
    type Output = Reopened;
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<Reopened, StepError> {
        let now = tx.now();
        // Two who give back at once would each send what the other has not sent yet.
        if let Some(since) = payments::owed_since(tx, self.payment).await.map_err(statement_error)? {
            return Err(StepError::Later(look_again_after(now - since)));
        }
        let failed = News::RefundFailed { refund: self.refund.to_string() };
        let applied =
            payments::apply_all(tx, &[(self.payment, failed)], now).await.map_err(statement_error)?.pop();
        match applied {
            Some(Applied::Changed { .. }) => {}
            Some(Applied::Nothing { .. } | Applied::Unknown) | None => {
                let detail = "the refund is unknown, or its failure is known already";
                return Err(Rejected::new("nothing-owed", detail).into());
            }
            Some(Applied::Contradicts(contradiction)) => {
                return Err(StepError::Contradiction(format!("payment {}: {contradiction}", self.payment)));
            }
        }
        let row = payments::find(tx, self.payment).await.map_err(statement_error)?;
        let row = row.ok_or_else(|| StepError::unclear("a payment that was just written is there"))?;
        let RefundTotal { total, counted } =
            payments::refund_total(tx, self.payment, row.amount).await.map_err(statement_error)?;
        let message = PaymentRefundFailed {
            payment_id: self.payment,
            reservation_id: row.reservation,
            refund_id: self.refund.clone(),
        };
        let saga = tx.saga();
        announce(tx, saga, &message)?;
        let intent = IntentId::new(row.gateway_reference.unwrap_or_default());
        Ok(Reopened { reservation: row.reservation, intent, total, counted })
    }
}

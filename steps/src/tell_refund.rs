//! Tell a refund: a refund that somebody made at the gateway is told to the outside like one of ours.

use crate::{
    Money, PaymentId,
    announce::{PaymentRefunded, announce},
    gateway::RefundId,
};
use orchestrator::{Step, StepError, Tx};
use serde::{Deserialize, Serialize};

/// Puts `payment.refunded` into the outbox.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TellRefund {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The gateway's id of the refund.
    pub refund: RefundId,
    /// The amount that went back.
    pub money: Money,
}

impl Step for TellRefund {
    const NAME: &'static str = "tell_refund";
    type Output = ();
    type Medium = Tx;
    type Undo = ();

    async fn run(&self, tx: &mut Tx) -> Result<(), StepError> {
        let (payment_id, refund_id, amount) = (self.payment, self.refund.to_string(), self.money);
        let saga = tx.saga();
        announce(tx, saga, &PaymentRefunded { payment_id, refund_id, amount })?;
        Ok(())
    }
}

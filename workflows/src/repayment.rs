//! A refund that had been acknowledged failed later: the money is owed again, and is sent again if we had asked for it.

use orchestrator::prelude::*;
use serde::{Deserialize, Serialize};
use steps::{PaymentId, Refund, Reopen, Reopened, gateway::RefundId};

/// Sends money back once more.
pub struct Repayment;

/// A refund that failed after it was acknowledged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailedRefund {
    /// Our id of the payment; its bucket is where all of it happens.
    pub payment: PaymentId,
    /// The gateway's id of the refund.
    pub refund: RefundId,
    /// It was made at the gateway by a person, so it is not sent again unless a person makes it again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elsewhere: bool,
}

impl FailedRefund {
    /// The start key: one saga for one refund, however often we hear of its failure.
    pub fn start_key(&self) -> String {
        Self::start_key_of(self.refund.as_str())
    }

    /// The start key of the saga that sends this refund once more.
    pub fn start_key_of(refund: &str) -> String {
        format!("refund:{refund}")
    }
}

impl Workflow for Repayment {
    const NAME: &'static str = "repayment";
    const VERSION: u32 = 1;
    type Steps = (Reopen, Refund);
    type Input = FailedRefund;
    type Output = ();

    fn route(failed: &FailedRefund) -> Route {
        Route::of(failed.payment.bucket())
    }

    async fn run(saga: Saga<Self>, failed: FailedRefund) -> Result<(), Failure> {
        let FailedRefund { payment, refund, elsewhere } = failed;
        let (reopened, mut saga) = saga.pivot(Reopen { payment, refund, elsewhere }).await?;
        let Reopened { reservation, intent, total, counted } = reopened;
        saga.step(Refund { payment, reservation, intent, total, counted, by_hand: elsewhere }).await;
        Ok(())
    }
}

//! Somebody made a refund at the gateway, and not through us: our books have it, and the outside is told.

use orchestrator::prelude::*;
use serde::{Deserialize, Serialize};
use steps::{Money, PaymentId, TellRefund, gateway::RefundId};

/// Tells the outside of a refund that no saga of ours has asked for. It is begun in the transaction that takes the
/// refund in.
pub struct RefundElsewhere;

/// A refund that was taken into our books.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefundTakenIn {
    /// Our id of the payment; its bucket is where all of it happens.
    pub payment: PaymentId,
    /// The gateway's id of the refund.
    pub refund: RefundId,
    /// The amount that went back.
    pub money: Money,
}

impl Workflow for RefundElsewhere {
    const NAME: &'static str = "refund_elsewhere";
    const VERSION: u32 = 1;
    type Steps = (TellRefund,);
    type Input = RefundTakenIn;
    type Output = ();

    fn route(taken_in: &RefundTakenIn) -> Route {
        Route::of(taken_in.payment.bucket())
    }

    async fn run(mut saga: Saga<Self>, taken_in: RefundTakenIn) -> Result<(), Failure> {
        let RefundTakenIn { payment, refund, money } = taken_in;
        saga.step(TellRefund { payment, refund, money }).await?;
        Ok(())
    }
}

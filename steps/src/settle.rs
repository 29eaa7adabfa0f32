//! Settle: the time is up, so the gateway is asked once and for all.

use crate::{
    PaymentId,
    cashier::{Cashier, Secured, again},
    gateway::{CancelReason, GatewayError, IntentId},
    store::{payments, statement_error},
};
use orchestrator::{Call, DbError, Event, Policy, Rejected, Step, StepError, Tx};
use serde::{Deserialize, Serialize};

/// Decides a pending payment at its deadline: if the money is there, on; else it is cancelled at the gateway, so that
/// it can never come. A forward step: compensations never turn forward.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settle {
    /// Our id of it.
    pub payment: PaymentId,
    /// The gateway's.
    pub intent: IntentId,
}

impl Step for Settle {
    const NAME: &'static str = "settle";
    const POLICY: Policy = Policy::PATIENT;
    type Output = Secured;
    type Medium = Call<Cashier>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Cashier>) -> Result<Secured, StepError> {
        let found = call.read(&self.intent).await.map_err(again)?;
        if let Some(secured) = Secured::of(&found) {
            return Ok(secured);
        }
        match call.cancel(&self.intent, CancelReason::Abandoned, &call.key()).await {
            Ok(cancelled) => Secured::of(&cancelled).ok_or_else(expired),
            // Refused because the money came in between the two requests.
            Err(GatewayError::WrongState { .. }) => {
                let found = call.read(&self.intent).await.map_err(again)?;
                Secured::of(&found).ok_or_else(|| StepError::unclear("neither secured nor cancelled"))
            }
            Err(error) => Err(again(error)),
        }
    }

    async fn record(&self, tx: &mut Tx, event: Event<'_, Self>) -> Result<(), DbError> {
        if let Event::Ended(Ok(secured)) = event {
            let now = tx.now();
            payments::apply_all(tx, &[(self.payment, secured.news())], now).await.map_err(statement_error)?;
        }
        Ok(())
    }
}

fn expired() -> StepError {
    Rejected::new("payment-expired", "the money was not there in time, and the payment is cancelled").into()
}

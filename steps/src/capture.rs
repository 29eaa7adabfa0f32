//! Capture: takes the money that is held. After the pivot, so it is only ever retried.

use crate::{
    PaymentId,
    cashier::{Cashier, Secured, again},
    gateway::{GatewayError, IntentStatus},
    store::{payments, statement_error},
};
use orchestrator::{Call, DbError, Event, Policy, Recorded, Step, StepError, Tx};
use serde::{Deserialize, Serialize};

/// Takes the money of a booking.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Capture {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The money that is held.
    pub secured: Secured,
}

impl Step for Capture {
    const NAME: &'static str = "capture";
    const POLICY: Policy = Policy::PATIENT;
    type Output = Secured;
    type Medium = Call<Cashier>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Cashier>) -> Result<Secured, StepError> {
        if self.secured.captured {
            return Ok(self.secured.clone());
        }
        let intent = match call.capture(&self.secured.intent, self.secured.money, &call.key()).await {
            Ok(intent) => intent,
            Err(GatewayError::WrongState { .. }) => call.read(&self.secured.intent).await.map_err(again)?,
            Err(error) => return Err(again(error)),
        };
        // By the object's status and amount: peers are known to answer well to a capture after a cancel.
        match Secured::of(&intent) {
            Some(taken) if taken.captured && taken.money == self.secured.money => Ok(taken),
            Some(_) | None if intent.status == IntentStatus::Canceled => {
                Err(StepError::Contradiction(format!(
                    "the authorisation of {} lapsed before it was captured; a booking stands without its money",
                    intent.id
                )))
            }
            Some(taken) if taken.captured => Err(StepError::Contradiction(format!(
                "{} was captured of {}",
                taken.money, self.secured.money
            ))),
            Some(_) | None => Err(StepError::unclear(format!("{} is {:?}", intent.id, intent.status))),
        }
    }

    async fn record(&self, tx: &mut Tx, event: Event<'_, Self>) -> Result<(), DbError> {
        let alone = Recorded { step: self, saga: tx.saga(), position: tx.position(), event };
        Self::record_all(vec![alone], tx).await
    }

    async fn record_all(batch: Vec<Recorded<'_, Self>>, tx: &mut Tx) -> Result<(), DbError> {
        let news: Vec<_> = batch
            .iter()
            .filter_map(|recorded| match &recorded.event {
                Event::Ended(Ok(taken)) => Some((recorded.step.payment, taken.news())),
                Event::Ended(Err(_)) | Event::Started | Event::UndoStarted { .. } | Event::Undone { .. } => {
                    None
                }
            })
            .collect();
        let now = tx.now();
        payments::apply_all(tx, &news, now).await.map_err(statement_error)?;
        Ok(())
    }
}

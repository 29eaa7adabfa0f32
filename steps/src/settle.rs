//! Settle: the time is over, so the gateway is asked for the final state.

use crate::{
    Money, PaymentId,
    cashier::{Cashier, Secured, check, check_known, retryable},
    gateway::{CancelReason, Intent, IntentId, IntentStatus},
    stakes,
    store::payments::News,
    write_down::{PaymentUpdate, write_down},
};
use orchestrator::{Call, DbError, Event, Policy, Probe, Rejected, Stake, Step, StepError, Tx, Way};
use serde::{Deserialize, Serialize};

/// How often the intent is looked at before it is cancelled although the gateway says that its money is there, and not how
/// much: an answer may lack it for a moment, and seats aren't held for money of which nobody knows the amount.
const LOOKS_MAX: u32 = 5;

/// Decides a pending payment at its deadline. If the money is there, the saga goes on. Otherwise the payment is cancelled at
/// the gateway, so that the money can never come. This is a forward step, because compensations never turn forward.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settle {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// The order. An intent of another amount, currency or payment is a contradiction, and never a booking. `None` in old
    /// journals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<Money>,
}

impl Step for Settle {
    const NAME: &'static str = "settle";
    const POLICY: Policy = Policy::PATIENT;
    /// The money of the payment that was asked for earlier.
    const SAME_STAKES: bool = true;
    type Output = Secured;
    type Medium = Call<Cashier>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Cashier>) -> Result<Secured, StepError> {
        let found = call.read(&self.intent).await.map_err(retryable)?;
        if let Some(secured) = self.secured(&found)? {
            return Ok(secured);
        }
        if call.attempt() < LOOKS_MAX {
            check_known(&found)?;
        }
        // It may be refused because the money came between the two requests.
        self.decided(&call.cancel_and_look(&self.intent, CancelReason::Abandoned, &call.key()).await?)
    }

    /// Reads the intent and cancels nothing.
    async fn probe(&self, call: &mut Call<Cashier>) -> Result<Probe<Secured>, StepError> {
        let found = call.read(&self.intent).await.map_err(retryable)?;
        match self.secured(&found)? {
            Some(secured) => Ok(Probe::Done(secured)),
            None if found.status == IntentStatus::Canceled => Err(expired()),
            None => Ok(Probe::NotDone),
        }
    }

    fn stakes(&self, _: Option<&Secured>) -> Vec<Stake> {
        self.money.map_or_else(Vec::new, stakes::money)
    }

    fn describe(&self, _: Way) -> Option<String> {
        Some(format!("reads {}, and cancels it if its money is not there", self.intent))
    }

    async fn record(&self, tx: &mut Tx, event: Event<'_, Self>) -> Result<(), DbError> {
        let news = match event {
            Event::Ended(Ok(secured)) => secured.news(),
            // Another payment may be ordered for the reservation now: this one can never be charged.
            Event::Ended(Err(rejected)) => News::Failed { reason: rejected.code.clone() },
            Event::Started | Event::UndoStarted { .. } | Event::Undone { .. } => return Ok(()),
        };
        let saga = tx.saga();
        write_down(tx, &[PaymentUpdate::new(saga, self.payment, news)]).await
    }
}

impl Settle {
    /// Decides by the intent's status, not by the answer's: a live intent may still be charged.
    fn decided(&self, intent: &Intent) -> Result<Secured, StepError> {
        check_known(intent)?;
        match self.secured(intent)? {
            Some(secured) => Ok(secured),
            None if intent.status == IntentStatus::Canceled => Err(expired()),
            None => Err(StepError::unclear("neither secured nor cancelled")),
        }
    }

    /// The money, if it is there and what was ordered.
    fn secured(&self, intent: &Intent) -> Result<Option<Secured>, StepError> {
        if let Some(money) = self.money {
            check(intent, self.payment, money)?;
        }
        Ok(Secured::of(intent))
    }
}

fn expired() -> StepError {
    Rejected::new("payment-expired", "the money was not there in time, and the payment is cancelled").into()
}

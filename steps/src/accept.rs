//! Accept: takes in money that no saga waits for. Undoing it gives the money back.

use crate::{
    Money, PaymentId, ReservationId,
    cashier::{Cashier, Secured, check, check_known, retryable, trace},
    gateway::{IntentId, IntentStatus, Trace},
    giving_back::{Undone, cancel_or_refund},
    stakes,
    store::{
        payments::{self, Late},
        statement_error,
    },
    write_down::{PaymentUpdate, write_down},
};
use orchestrator::{
    Call, DbError, Event, Policy, Probe, Recorded, Rejected, Stake, Step, StepError, Tx, Way,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Reads an intent whose money came too late or twice, and records it as a payment of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Accept {
    /// The gateway that it came through, by its name in our tables.
    pub gateway: String,
    /// The gateway's id of the intent.
    pub intent: IntentId,
    /// The payment that the intent names.
    pub named: PaymentId,
    /// The amount that was ordered then.
    pub money: Money,
    /// The new payment's id.
    pub payment: PaymentId,
    /// The reservation that it may still pay for.
    pub reservation: ReservationId,
    /// The reservation that it was meant for.
    pub late_for: ReservationId,
}

/// Money that was taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The money that is held or captured.
    pub secured: Secured,
    /// Whether all of it is still there: seats are sold only for the whole price.
    pub whole: bool,
}

impl Step for Accept {
    const NAME: &'static str = "accept";
    /// A quarter of an hour: a short outage of the gateway must not cost the customer the seats.
    const POLICY: Policy = Policy { attempts_max: 40, time_max: Duration::from_secs(900), ..Policy::FORWARD };
    type Output = Accepted;
    type Medium = Call<Cashier>;
    type Undo = Undone;

    async fn run(&self, call: &mut Call<Cashier>) -> Result<Accepted, StepError> {
        let found = call.read(&self.intent).await.map_err(retryable)?;
        check(&found, self.named, self.money)?;
        check_known(&found)?;
        let secured = match Secured::of(&found) {
            Some(secured) => secured,
            None if found.status == IntentStatus::Canceled => {
                return Err(Rejected::new("money-gone", "the payment was cancelled at the gateway").into());
            }
            // The money was there when this began, and nobody looks again once this has ended.
            None => {
                let (id, status) = (&found.id, found.status);
                return Err(StepError::unclear(format!("payment {id} is {status:?} after it was secured")));
            }
        };
        let refunded = self.refunded_minor(call, &secured).await?;
        if refunded >= secured.money.amount {
            return Err(Rejected::new("money-gone", "all of the money has been given back").into());
        }
        Ok(Accepted { secured, whole: refunded == 0 })
    }

    async fn compensate(
        &self,
        call: &mut Call<Cashier>,
        made: Option<Accepted>,
    ) -> Result<Undone, StepError> {
        if made.is_none() {
            // Nobody has checked it yet, and we must not give back money that isn't ours.
            let found = call.read(&self.intent).await.map_err(retryable)?;
            check(&found, self.named, self.money)?;
        }
        cancel_or_refund(call, &self.intent, self.trace(call), &call.key()).await
    }

    /// It only reads.
    async fn probe(&self, call: &mut Call<Cashier>) -> Result<Probe<Accepted>, StepError> {
        Ok(Probe::Done(self.run(call).await?))
    }

    fn stakes(&self, _: Option<&Accepted>) -> Vec<Stake> {
        stakes::money(self.money)
    }

    fn describe(&self, way: Way) -> Option<String> {
        let Self { intent, gateway, money, .. } = self;
        Some(match way {
            Way::Forward => format!("reads {intent} at {gateway}"),
            Way::Back => format!("cancels {intent} at {gateway}, or refunds what it has taken of {money}"),
        })
    }

    async fn record(&self, tx: &mut Tx, event: Event<'_, Self>) -> Result<(), DbError> {
        let alone = Recorded { step: self, saga: tx.saga(), position: tx.position(), event };
        Self::record_all(vec![alone], tx).await
    }

    /// Writes the payment's row with its ledger, for these events only.
    async fn record_all(batch: Vec<Recorded<'_, Self>>, tx: &mut Tx) -> Result<(), DbError> {
        let (mut late, mut news) = (Vec::new(), Vec::new());
        for Recorded { step, saga, event, .. } in &batch {
            match event {
                Event::Ended(Ok(accepted)) => {
                    news.push(PaymentUpdate::new(*saga, step.payment, accepted.secured.news()));
                }
                Event::Undone { undo, .. } => {
                    news.extend(undo.payment_updates(*saga, step.payment, step.money))
                }
                Event::Started | Event::Ended(Err(_)) | Event::UndoStarted { .. } => continue,
            }
            late.push(step.row());
        }
        let now = tx.now();
        payments::accept_late(tx, &late, now).await.map_err(statement_error)?;
        write_down(tx, &news).await
    }
}

impl Accept {
    /// The trace of its own: a refund belongs to the new payment.
    fn trace(&self, call: &Call<Cashier>) -> Trace {
        trace(call.saga(), self.payment, self.reservation)
    }

    fn row(&self) -> Late {
        let Self { payment, reservation, late_for, money, .. } = *self;
        Late { payment, reservation, late_for, money, gateway: self.gateway.clone() }
    }

    /// How much of it has already gone back.
    async fn refunded_minor(&self, call: &Call<Cashier>, secured: &Secured) -> Result<i64, StepError> {
        if !secured.captured {
            return Ok(0);
        }
        let refunds = call.refunds(&self.intent).await.map_err(retryable)?;
        let good = refunds.iter().filter(|refund| !refund.status.is_owed_again());
        Ok(good.map(|refund| refund.money.amount).sum())
    }
}

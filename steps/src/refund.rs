//! Refund: gives back money that is owed. It comes after the pivot, so it is only retried and never undone.

use crate::{
    Money, PaymentId, ReservationId,
    cashier::{Cashier, trace},
    gateway::{IntentId, RefundId},
    giving_back::{AcknowledgedRefund, Due, give_back, refund_updates, refunds_if_complete},
    stakes,
    write_down::write_down,
};
use orchestrator::{Call, DbError, Event, Policy, Probe, Stake, Step, StepError, Tx, Way};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Makes sure that this much of a payment has gone back in the end, including earlier refunds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The reservation that it paid for.
    pub reservation: ReservationId,
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// The whole amount that must have gone back.
    pub total: Money,
    /// The refunds that had gone back when this was decided. Where one has failed since, its money is another saga's to
    /// send again. Empty in old journals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<RefundId>,
    /// The refund that failed was made at the gateway by a person, so a person decides whether it is made again: this only
    /// looks whether the money has gone back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

impl Step for Refund {
    const NAME: &'static str = "refund";
    /// It waits for the end of a dispute, or for a day between two repayments. Such a wait uses no attempts.
    const POLICY: Policy = Policy { time_max: Duration::from_secs(400 * 24 * 3600), ..Policy::PATIENT };
    /// All refunds that count, newest last; empty if nothing had to go back.
    type Output = Vec<AcknowledgedRefund>;
    type Medium = Call<Cashier>;
    type Undo = ();

    async fn run(&self, call: &mut Call<Cashier>) -> Result<Vec<AcknowledgedRefund>, StepError> {
        if self.total.amount <= 0 {
            return Ok(Vec::new());
        }
        let trace = trace(call.saga(), self.payment, self.reservation);
        if self.by_hand {
            let given = refunds_if_complete(call, &self.intent, self.due(), trace).await?;
            return given.ok_or_else(|| self.waits_for_a_person());
        }
        give_back(call, &self.intent, self.due(), trace, &call.key()).await
    }

    /// Probes by the gateway's list of refunds, whoever asked for them.
    async fn probe(&self, call: &mut Call<Cashier>) -> Result<Probe<Vec<AcknowledgedRefund>>, StepError> {
        if self.total.amount <= 0 {
            return Ok(Probe::Done(Vec::new()));
        }
        let trace = trace(call.saga(), self.payment, self.reservation);
        let given = refunds_if_complete(call, &self.intent, self.due(), trace).await?;
        Ok(given.map_or(Probe::NotDone, Probe::Done))
    }

    fn stakes(&self, _: Option<&Vec<AcknowledgedRefund>>) -> Vec<Stake> {
        stakes::money(self.total)
    }

    fn describe(&self, _: Way) -> Option<String> {
        let Self { total, intent, .. } = self;
        Some(match self.by_hand {
            true => format!("looks whether {total} of {intent} has gone back"),
            false => format!("refunds what has not gone back yet of {total} of {intent}"),
        })
    }

    async fn record(&self, tx: &mut Tx, event: Event<'_, Self>) -> Result<(), DbError> {
        let Event::Ended(Ok(given)) = event else { return Ok(()) };
        let updates = refund_updates(tx.saga(), self.payment, &self.intent, None, given);
        write_down(tx, &updates).await
    }
}

impl Refund {
    /// A part capture by hand contradicts the payment before anything of it is owed here, so nothing was released.
    fn due(&self) -> Due<'_> {
        Due { total: self.total, counted: &self.counted, released_minor: 0, is_owed: true }
    }

    fn waits_for_a_person(&self) -> StepError {
        let Self { total, intent, .. } = self;
        StepError::Contradiction(format!(
            "a refund that was made by hand at the gateway failed, so that less than {total} of {intent} has gone back; it is not \
             sent again unasked: refund it there and try again, or mark this as resolved"
        ))
    }
}

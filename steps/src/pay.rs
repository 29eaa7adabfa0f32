//! Pay: asks the gateway to secure the money. It is a call: made at least once, always under one key.

use crate::{
    Money, PaymentId, ReservationId,
    cashier::{Cashier, KEY_REMEMBERED, Secured, check, check_known, retryable, trace},
    gateway::{
        CancelReason, Doubt, GatewayError, Intent, IntentId, IntentStatus, Mismatch, NextAction,
        PaymentMethod, Trace,
    },
    giving_back::{Undone, cancel_or_refund},
    stakes,
    store::{
        payments::{self, News, Order},
        statement_error,
    },
    write_down::{PaymentUpdate, write_down},
};
use orchestrator::{
    Call, Cause, DbError, Event, Policy, Probe, Recorded, Rejected, Stake, Step, StepError, Tx, Way,
};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, time::Duration};

/// The code of a refusal whose detail is the gateway's reason, from this step or from the workflow that learned it later.
pub const DECLINED: &str = "payment-declined";

/// Asks the gateway to secure the money of one payment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pay {
    /// Our id of the payment.
    pub payment: PaymentId,
    /// The reservation that is paid for.
    pub reservation: ReservationId,
    /// The amount to secure.
    pub money: Money,
    /// The customer's payment method.
    pub method: PaymentMethod,
    /// The gateway, by its name in our tables.
    pub gateway: String,
}

/// What the gateway answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The gateway's id of the payment.
    pub intent: IntentId,
    /// The state of the charge.
    pub outcome: Outcome,
}

/// The state of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money is held or captured.
    Secured(Secured),
    /// The gateway or the customer has something to do first; news will come.
    Pending {
        /// What the customer must do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_action: Option<NextAction>,
    },
}

impl Step for Pay {
    const NAME: &'static str = "pay";
    const POLICY: Policy = Policy { timeout: Duration::from_secs(25), ..Policy::FORWARD };
    const KEY_REMEMBERED: Option<Duration> = Some(KEY_REMEMBERED);
    type Output = Charge;
    type Medium = Call<Cashier>;
    type Undo = Undone;

    async fn run(&self, call: &mut Call<Cashier>) -> Result<Charge, StepError> {
        let order = call.order(call.saga(), self.payment, self.reservation, self.money, &self.method);
        match call.secure(&order, &call.key(), call.attempt()).await {
            Ok(intent) => self.charge(call, intent).await,
            Err(error) => self.refused(call, error).await,
        }
    }

    /// Cancels or refunds the charge, even if its answer never reached us.
    async fn compensate(&self, call: &mut Call<Cashier>, made: Option<Charge>) -> Result<Undone, StepError> {
        // If several are found, each needs keys of its own: under one key the second would be taken for the first.
        let intents = match made {
            Some(charge) => vec![(call.key(), charge.intent)],
            None => {
                let learned = self.learn(call).await?;
                learned.into_iter().map(|intent| (format!("{}:{intent}", call.key()), intent)).collect()
            }
        };
        let mut undone = Undone::Voided;
        for (key, intent) in intents {
            let ended = cancel_or_refund(call, &intent, self.trace(call), &key).await?;
            if let given_back @ (Undone::Refunded { .. } | Undone::Lost) = ended {
                undone = given_back;
            }
        }
        // The customer wants to know what the bank said, even if the answer came late.
        Ok(match (undone, call.cause()) {
            (Undone::Voided, Some(Cause::Rejected(why))) if why.code == "payment-declined" => {
                Undone::Declined { reason: why.detail.clone() }
            }
            (undone, _) => undone,
        })
    }

    /// Looks the payment up by our id: the key is forgotten, so repeating could charge twice.
    async fn probe(&self, call: &mut Call<Cashier>) -> Result<Probe<Charge>, StepError> {
        let found = self.find(call).await?;
        match the_one_that_counts(found) {
            Some(intent) => Ok(Probe::Done(self.charge(call, intent).await?)),
            None => Ok(Probe::Unknown),
        }
    }

    fn stakes(&self, _: Option<&Charge>) -> Vec<Stake> {
        stakes::money(self.money)
    }

    /// The description leaves out the payment method's token, which nobody here needs.
    fn describe(&self, way: Way) -> Option<String> {
        let Self { money, payment, gateway, .. } = self;
        Some(match way {
            Way::Forward => format!("asks {gateway} to secure {money} for payment {payment}"),
            Way::Back => {
                format!("cancels payment {payment} at {gateway}, or refunds what it has taken of {money}")
            }
        })
    }

    async fn record(&self, tx: &mut Tx, event: Event<'_, Self>) -> Result<(), DbError> {
        let alone = Recorded { step: self, saga: tx.saga(), position: tx.position(), event };
        Self::record_all(vec![alone], tx).await
    }

    /// Payment and ledger rows of a batch.
    async fn record_all(batch: Vec<Recorded<'_, Self>>, tx: &mut Tx) -> Result<(), DbError> {
        let (mut orders, mut news) = (Vec::new(), Vec::new());
        for Recorded { step, saga, event, .. } in &batch {
            match event {
                Event::Started => orders.push((step.row(), step.money)),
                Event::Ended(Ok(Charge { outcome: Outcome::Secured(secured), .. })) => {
                    news.push(PaymentUpdate::new(*saga, step.payment, secured.news()));
                }
                Event::Ended(Ok(Charge { outcome: Outcome::Pending { .. }, .. }))
                | Event::UndoStarted { .. } => {}
                Event::Ended(Err(rejected)) => {
                    let failed = News::Failed { reason: rejected.detail.clone() };
                    news.push(PaymentUpdate::new(*saga, step.payment, failed));
                }
                Event::Undone { undo, cause, .. } => {
                    // Let go because news said that it failed: the customer is told why.
                    if let (Undone::Voided, Cause::Rejected(Rejected { code, detail, .. })) = (undo, cause)
                        && code == DECLINED
                    {
                        let failed = News::Failed { reason: detail.clone() };
                        news.push(PaymentUpdate::new(*saga, step.payment, failed));
                    }
                    news.extend(undo.payment_updates(*saga, step.payment, step.money));
                }
            }
        }
        let now = tx.now();
        payments::initiate_all(tx, &orders, now).await.map_err(statement_error)?;
        write_down(tx, &news).await
    }
}

impl Pay {
    fn row(&self) -> Order {
        // The gateway's name is what `POST /payments` wrote; an order by signal alone has the only one there is.
        Order {
            payment: self.payment,
            reservation: self.reservation,
            amount: None,
            gateway: self.gateway.clone(),
        }
    }

    fn trace(&self, call: &Call<Cashier>) -> Trace {
        trace(call.saga(), self.payment, self.reservation)
    }

    /// All intents of this payment. One of another payment among them is a contradiction, and we must not cancel it.
    async fn find(&self, call: &Call<Cashier>) -> Result<Vec<Intent>, StepError> {
        let found = call.find(&self.trace(call)).await.map_err(retryable)?;
        found.into_iter().map(|intent| self.expect_ours(intent)).collect()
    }

    fn expect_ours(&self, intent: Intent) -> Result<Intent, StepError> {
        match intent.trace.payment_id == Some(self.payment.uuid()) {
            true => Ok(intent),
            false => Err(StepError::Contradiction(format!("payment {}: {}", intent.id, Mismatch::Trace))),
        }
    }

    /// What a refusal comes to: decided by the intent, if there is one. A payment that nothing was made for was refused.
    async fn refused(&self, call: &Call<Cashier>, error: GatewayError) -> Result<Charge, StepError> {
        let rejected = if let GatewayError::Declined { code, decline_code, .. } = &error {
            Rejected::new(DECLINED, decline_code.as_ref().unwrap_or(code))
        } else if let GatewayError::Invalid { .. } = &error {
            Rejected::new("payment-refused", error.to_string())
        } else {
            return Err(retryable(error));
        };
        if let Some(intent) = error.intent() {
            return self.give_up(call, &intent.id, rejected).await;
        }
        // It was refused to this attempt. An earlier one may have made and confirmed an intent all the same, where the
        // gateway has forgotten its key.
        let earlier = if call.attempt() > 1 { self.find(call).await? } else { Vec::new() };
        match the_one_that_counts(earlier) {
            Some(intent) => self.charge(call, intent).await,
            None => Err(rejected.into()),
        }
    }

    /// What an intent means for us. One that differs from our order is a contradiction, and never a booking.
    async fn charge(&self, call: &Call<Cashier>, intent: Intent) -> Result<Charge, StepError> {
        check(&intent, self.payment, self.money)?;
        check_known(&intent)?;
        let outcome = match (Secured::of(&intent), intent.status) {
            (Some(secured), _) => Outcome::Secured(secured),
            (None, status) if status.is_pending() => Outcome::Pending { next_action: intent.next_action },
            (None, _) => {
                let reason =
                    intent.last_error.map_or_else(|| "payment not confirmed".into(), |error| error.code);
                return self.give_up(call, &intent.id, Rejected::new(DECLINED, reason)).await;
            }
        };
        Ok(Charge { intent: intent.id, outcome })
    }

    /// Declined or refused: the intent is still alive, so it is cancelled before we say that nothing was done.
    async fn give_up(
        &self,
        call: &Call<Cashier>,
        intent: &IntentId,
        rejected: Rejected,
    ) -> Result<Charge, StepError> {
        let cancelled = call.cancel_and_look(intent, CancelReason::Abandoned, &call.key()).await?;
        check_known(&cancelled)?;
        if let Some(secured) = Secured::of(&cancelled) {
            check(&cancelled, self.payment, self.money)?;
            return Ok(Charge { intent: cancelled.id, outcome: Outcome::Secured(secured) });
        }
        // This is decided by the intent's status, not by the answer's: a live intent may still be charged.
        if cancelled.status != IntentStatus::Canceled {
            let (id, status) = (cancelled.id, cancelled.status);
            return Err(StepError::unclear(format!("payment {id} is {status:?}: not cancelled yet")));
        }
        Err(rejected.into())
    }

    /// The gateway's ids of a charge whose answer never reached us.
    ///
    /// Looked up by our ids first: a gateway that has forgotten our key would make another intent under it, and the
    /// first would live on with its money. If nothing is found (lists lag, or nothing was made) it is made again under
    /// its own key to learn its id: that moves no money, and a cancelled intent can never be charged.
    async fn learn(&self, call: &Call<Cashier>) -> Result<Vec<IntentId>, StepError> {
        let found = self.find(call).await?;
        if !found.is_empty() {
            return Ok(found.into_iter().map(|intent| intent.id).collect());
        }
        let order = call.order(call.saga(), self.payment, self.reservation, self.money, &self.method);
        match call.create(&order, &call.key()).await {
            Ok(intent) => Ok(vec![self.expect_ours(intent)?.id]),
            // Refused, or a stored 500 instead of the id: no id was ever told, so nothing was confirmed.
            Err(
                GatewayError::Invalid { .. }
                | GatewayError::Declined { intent: None, .. }
                | GatewayError::Unclear(Doubt::Server { replayed: true, .. }),
            ) => Ok(Vec::new()),
            Err(error) => Err(retryable(error)),
        }
    }
}

/// Of several intents the one that counts: what was made under a key whose answer is lost was never confirmed.
fn the_one_that_counts(found: Vec<Intent>) -> Option<Intent> {
    found.into_iter().min_by_key(|intent| Reverse((intent.status.has_money(), intent.status.is_pending())))
}

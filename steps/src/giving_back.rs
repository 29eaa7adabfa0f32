//! Gives money back: cancels held money, refunds captured money, and never more than that.
//!
//! Every compensation and the step `refund` use this. It reads at the gateway what has already gone back, whoever asked for
//! it: after a refund in the gateway's dashboard there is nothing left to do. We must guard the sum, because some gateways
//! don't. So only one saga at a time gives back money of one payment: a saga that decides that more is owed waits until
//! the earlier refunds have gone.

use crate::{
    Money, PaymentId,
    cashier::{Cashier, Repayments, Secured, check_known, retryable},
    gateway::{
        CancelReason, Doubt, GatewayError, IntentId, IntentStatus, Refund, RefundId, RefundOrder, Trace,
        without_release,
    },
    store::payments::News,
    write_down::PaymentUpdate,
};
use chrono::{DateTime, TimeDelta, Utc};
use orchestrator::{Call, Cause, SagaId, StepError};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The most keys that one attempt tries if the gateway blocks them, as by replaying a stored 5xx. They are enough for
/// a short failure of the gateway, and few enough for the time of one call.
const KEYS_MAX: u32 = 4;

/// How long to wait while a dispute forbids refunds.
const DISPUTED_WAIT: Duration = Duration::from_secs(600);

/// A refund that the gateway has acknowledged. Pending is enough for us; its later failure is news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgedRefund {
    /// The gateway's id of the refund.
    pub refund: RefundId,
    /// The amount that goes back.
    pub money: Money,
    /// Whether this very saga asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
}

/// How a charge was undone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undone {
    /// It never happened and never will: its intent is cancelled.
    #[default]
    Voided,
    /// The same, because the bank declined.
    Declined {
        /// The reason in the gateway's words.
        reason: String,
    },
    /// The customer has got all of it by a dispute that we lost.
    Lost,
    /// The money goes back.
    Refunded {
        /// The gateway's id of the payment.
        intent: IntentId,
        /// The gateway's id of the last refund.
        refund: RefundId,
        /// All the money that had been captured.
        money: Money,
        /// All refunds, also those that somebody else made. Empty in old journals, where one refund gave back
        /// everything.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refunds: Vec<AcknowledgedRefund>,
    },
}

/// Cancels an intent, or refunds it if its money has been taken meanwhile. `key` is the base of the keys.
pub(crate) async fn cancel_or_refund(
    call: &Call<Cashier>,
    intent: &IntentId,
    trace: Trace,
    key: &str,
) -> Result<Undone, StepError> {
    // It needs its own key: giving up a declined payment may have used `key` for a cancel with another reason.
    let undo_key = format!("{key}:undo");
    let found = call.cancel_and_look(intent, reason(call.cause()), &undo_key).await?;
    check_known(&found)?;
    match Secured::of(&found) {
        None if found.status == IntentStatus::Canceled => Ok(Undone::Voided),
        Some(Secured { captured: true, money, .. }) => {
            let due =
                Due { total: money, counted: &[], released_minor: found.released_minor(), is_owed: false };
            let refunds = give_back(call, intent, due, trace, key).await?;
            match refunds.last() {
                Some(last) => {
                    Ok(Undone::Refunded { intent: found.id, refund: last.refund.clone(), money, refunds })
                }
                None if money.amount > 0 => Ok(Undone::Lost),
                None => Err(StepError::unclear(format!("payment {} was taken as nothing", found.id))),
            }
        }
        None | Some(_) => {
            Err(StepError::unclear(format!("payment {} is {:?}: not cancelled yet", found.id, found.status)))
        }
    }
}

/// How much of an intent's captured money must have gone back in the end.
#[derive(Clone, Copy)]
pub(crate) struct Due<'a> {
    /// The whole amount, with what has gone back before.
    pub total: Money,
    /// The refunds that our books counted when the total was decided. They are not this saga's concern: if one has
    /// failed since, another saga sends its money again.
    pub counted: &'a [RefundId],
    /// What a capture of a part by hand released, in minor units. It was never captured, so no refund of it counts.
    pub released_minor: i64,
    /// Whether our ledger has this money as owed. If so, a dispute that is lost settles it there.
    pub is_owed: bool,
}

/// Refunds what is still due, except what the customer has got by a dispute. Returns all refunds that count, newest
/// last.
pub(crate) async fn give_back(
    call: &Call<Cashier>,
    intent: &IntentId,
    due: Due<'_>,
    trace: Trace,
    key: &str,
) -> Result<Vec<AcknowledgedRefund>, StepError> {
    let Due { total, counted, released_minor, .. } = due;
    for try_number in 0..KEYS_MAX {
        let found = without_release(call.refunds(intent).await.map_err(retryable)?, released_minor);
        let (mut given, failed) = split_refunds(&found, total, trace)?;
        let refunded = refunded_minor(&given, &found, counted);
        if refunded >= total.amount {
            return Ok(given);
        }
        let (left, was_disputed) = left_after_disputes(call, due, trace, refunded).await?;
        if left <= 0 {
            return Ok(given);
        }
        let money = Money { amount: left, ..total };
        check_repayment(call.repayments, &failed, money, call.now())?;
        let order = RefundOrder { intent: intent.clone(), money, trace };
        match call.refund(&order, &refund_key(key, failed.len(), try_number)).await {
            Ok(made) if made.money != money => {
                return Err(StepError::Contradiction(format!(
                    "refund {} is of {}, not of {money}",
                    made.id, made.money
                )));
            }
            Ok(made) if made.status.is_owed_again() => {
                return Err(StepError::unclear(format!("refund {} is {:?}", made.id, made.status)));
            }
            Ok(made) => {
                given.push(AcknowledgedRefund { refund: made.id, money, ours: true });
                return Ok(given);
            }
            // The key is blocked for a day: by a stored 500, or because somebody has refunded a part by hand since it
            // was used. The list of refunds shows whether its request made one; otherwise we try another key.
            Err(GatewayError::Unclear(Doubt::Server { replayed: true, .. }) | GatewayError::KeyReused) => {}
            // We have not heard of this dispute yet. One that we know of has ended, and waiting for its end would
            // never stop.
            Err(GatewayError::WrongState { code, .. }) if code.contains("disput") && !was_disputed => {
                return Err(StepError::Later(DISPUTED_WAIT));
            }
            Err(
                error @ (GatewayError::WrongState { .. }
                | GatewayError::Invalid { .. }
                | GatewayError::NotFound),
            ) => return after_refusal(call, intent, due, trace, error).await,
            Err(error) => return Err(retryable(error)),
        }
    }
    Err(StepError::unclear("every key for this refund is used up at the gateway; again later"))
}

/// Decides what a refused refund means, whatever its code: the money may have gone back already, by a request whose
/// answer was lost or by hand, or less may have been captured than is due. Otherwise it is asked for again later.
async fn after_refusal(
    call: &Call<Cashier>,
    intent: &IntentId,
    due: Due<'_>,
    trace: Trace,
    refusal: GatewayError,
) -> Result<Vec<AcknowledgedRefund>, StepError> {
    if let Some(given) = refunds_if_complete(call, intent, due, trace).await? {
        return Ok(given);
    }
    let found = call.read(intent).await.map_err(retryable)?;
    let total = due.total;
    match found.secured() {
        Some(taken) if found.status == IntentStatus::Succeeded && taken.amount < total.amount => {
            Err(StepError::Contradiction(format!("{intent} was captured with {taken}, and {total} is owed")))
        }
        Some(_) | None => Err(retryable(refusal)),
    }
}

/// How much is left to send when `refunded` has gone back, and whether the payment was ever disputed. Nothing is sent
/// while a dispute runs.
async fn left_after_disputes(
    call: &Call<Cashier>,
    due: Due<'_>,
    trace: Trace,
    refunded: i64,
) -> Result<(i64, bool), StepError> {
    let left = due.total.amount - refunded;
    let Some(payment) = trace.payment_id.map(PaymentId::from_uuid) else { return Ok((left, false)) };
    let Some(dispute) = call.find_dispute(payment).await? else { return Ok((left, false)) };
    if dispute.is_open {
        return Err(StepError::Later(DISPUTED_WAIT));
    }
    let left = if due.is_owed { left.min(dispute.owed_minor) } else { left - dispute.lost_minor };
    Ok((left, true))
}

/// All refunds that count, if they cover all that is due of an intent's captured money; otherwise `None`.
pub(crate) async fn refunds_if_complete(
    call: &Call<Cashier>,
    intent: &IntentId,
    due: Due<'_>,
    trace: Trace,
) -> Result<Option<Vec<AcknowledgedRefund>>, StepError> {
    let Due { total, counted, released_minor, .. } = due;
    let found = without_release(call.refunds(intent).await.map_err(retryable)?, released_minor);
    let (given, _) = split_refunds(&found, total, trace)?;
    Ok((refunded_minor(&given, &found, counted) >= total.amount).then_some(given))
}

/// How much this saga need not send: refunds that count, and refunds that failed after our books had counted them.
fn refunded_minor(given: &[AcknowledgedRefund], found: &[Refund], counted: &[RefundId]) -> i64 {
    let lost = found.iter().filter(|refund| refund.status.is_owed_again() && counted.contains(&refund.id));
    let given = given.iter().map(|given| given.money.amount);
    given.chain(lost.map(|refund| refund.money.amount)).sum()
}

/// Whether money may be sent again after these refunds of ours came to nothing.
fn check_repayment(
    Repayments { max, apart }: Repayments,
    failed: &[&Refund],
    money: Money,
    now: DateTime<Utc>,
) -> Result<(), StepError> {
    if failed.len() > max as usize {
        return Err(StepError::Contradiction(format!(
            "{} refunds came to nothing and {money} is still owed: refund it in the gateway's dashboard, then try again",
            failed.len()
        )));
    }
    let newest = failed.iter().map(|refund| refund.created).max();
    // What failed may have failed by chance, so the first repayment doesn't wait.
    let (Some(newest), true) = (newest, failed.len() > 1) else { return Ok(()) };
    let passed = (now - newest).to_std().unwrap_or_default();
    match apart.saturating_sub(passed) {
        Duration::ZERO => Ok(()),
        wait => Err(StepError::Later(wait)),
    }
}

/// The refunds that count, oldest first, and those of ours that failed or were cancelled: each of them used up a key.
fn split_refunds(
    found: &[Refund],
    total: Money,
    trace: Trace,
) -> Result<(Vec<AcknowledgedRefund>, Vec<&Refund>), StepError> {
    let ours = |refund: &&Refund| refund.trace.payment_id == trace.payment_id;
    let failed = found.iter().filter(|refund| refund.status.is_owed_again()).filter(ours).collect();
    let good = found.iter().rev().filter(|refund| !refund.status.is_owed_again());
    let given: Vec<AcknowledgedRefund> = good
        .map(|refund| AcknowledgedRefund {
            refund: refund.id.clone(),
            money: refund.money,
            ours: refund.trace.saga_id == trace.saga_id,
        })
        .collect();
    match given.iter().find(|given| given.money.currency != total.currency) {
        Some(other) => {
            Err(StepError::Contradiction(format!("refund {} is of {}", other.refund, other.money)))
        }
        None => Ok((given, failed)),
    }
}

/// A refund that failed is never asked for again under its key: the gateway would replay the failure for ever.
fn refund_key(base: &str, failed: usize, try_number: u32) -> String {
    match try_number {
        0 => format!("{base}:refund-{failed}"),
        again => format!("{base}:refund-{failed}-{again}"),
    }
}

/// How long to wait before checking again whether something is done that began this long ago: a tenth of its age,
/// because what is recent is usually done soon.
pub(crate) fn look_again_after(age: TimeDelta) -> Duration {
    const WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
    (age.to_std().unwrap_or_default() / 10).clamp(WAIT.0, WAIT.1)
}

fn reason(cause: Option<&Cause>) -> CancelReason {
    match cause {
        Some(Cause::Cancelled { .. }) => CancelReason::RequestedByCustomer,
        Some(
            Cause::Expired { .. }
            | Cause::Rejected(_)
            | Cause::InDoubt { .. }
            | Cause::Failed { .. }
            | Cause::Operator { .. },
        )
        | None => CancelReason::Abandoned,
    }
}

impl Undone {
    /// What this means for a payment of which `ordered` was asked for. If another amount was captured, the ledger
    /// can't hold it: the payment has failed, and only the gateway's books have the rest.
    pub(crate) fn payment_updates(
        &self,
        saga: SagaId,
        payment: PaymentId,
        ordered: Money,
    ) -> Vec<PaymentUpdate> {
        match self {
            Self::Voided => vec![PaymentUpdate::new(saga, payment, News::Voided)],
            // The news of the dispute has recorded it already.
            Self::Lost => Vec::new(),
            Self::Declined { reason } => [News::Failed { reason: reason.clone() }, News::Voided]
                .map(|news| PaymentUpdate::new(saga, payment, news))
                .into(),
            // This ends held money too: what was not captured of it is released.
            Self::Refunded { money, .. } if *money != ordered => {
                let reason = "amount-mismatch".to_owned();
                vec![PaymentUpdate::new(saga, payment, News::NeverCaptured { reason })]
            }
            Self::Refunded { intent, refund, money, refunds } => {
                let alone = [AcknowledgedRefund { refund: refund.clone(), money: *money, ours: true }];
                let refunds = if refunds.is_empty() { &alone[..] } else { refunds };
                refund_updates(saga, payment, intent, Some(*money), refunds)
            }
        }
    }
}

/// Acknowledged refunds as news. `captured` is what the gateway had taken; `None` where our books must have it.
pub(crate) fn refund_updates(
    saga: SagaId,
    payment: PaymentId,
    intent: &IntentId,
    captured: Option<Money>,
    refunds: &[AcknowledgedRefund],
) -> Vec<PaymentUpdate> {
    let update = |given: &AcknowledgedRefund| {
        let (reference, refund) = (intent.to_string(), given.refund.to_string());
        let news = News::Refunded { reference, refund, money: given.money, captured, takes_excess: false };
        PaymentUpdate { ours: given.ours, ..PaymentUpdate::new(saga, payment, news) }
    };
    refunds.iter().map(update).collect()
}

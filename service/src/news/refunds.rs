//! News of refunds: our own, those made elsewhere, and those that failed.
//!
//! Whatever the fact says, we read the intent and take in the gateway's list of refunds. Refunds that we already know
//! change nothing. If another amount was captured than was ordered, no refund of it is taken in.

use super::{Acted, about::is_at_rest, amounts, gateway, item::News, money, owed};
use crate::{Ending, ServiceError, clock};
use orchestrator::{Client, SagaId};
use sqlx::PgConnection;
use steps::{
    PaymentId,
    gateway::{CaptureOutcome, FactKind, IntentId, Refund, RefundId},
    status::{MoneyState, PaymentStatus},
    store::{
        inbox,
        payments::{self, Applied, ChargeRecord, Contradiction, PaymentRow, RecordedRefunds, ReturnedRefund},
        reservations,
    },
};
use workflows::{FailedRefund, RefundElsewhere, RefundTakenIn, Repayment};

/// Acts on news of a refund.
pub(super) async fn act(news: &News<'_>) -> Result<Acted, ServiceError> {
    let named = &news.about.named;
    let intent = news.fact.intent.clone().or_else(|| named.gateway_reference.clone().map(IntentId::new));
    let Some(intent) = intent else { return Ok(Acted::Contradicts) };
    let Some(owner) = news.about.owner(&intent) else { return act_on_unowned(news, &intent).await };
    let Some(found) = gateway::read(news.service, &intent).await else { return Ok(Acted::Later) };
    let Some(refunds) = gateway::refunds(news.service, &intent).await else { return Ok(Acted::Later) };
    let is_captured = matches!(owner.money, MoneyState::Captured | MoneyState::Refunded);
    match CaptureOutcome::of(&found, owner.amount, &refunds) {
        CaptureOutcome::Never(never) if !is_captured => {
            return owed::never_captured(news, owner, never).await;
        }
        CaptureOutcome::Differs(taken) => return amounts::contradict(news, owner, &found.id, taken).await,
        CaptureOutcome::Never(_) | CaptureOutcome::Whole | CaptureOutcome::Open => {}
    }
    let Some(charge) = ChargeRecord::of(&found) else { return Ok(Acted::Later) };
    let taken_in = take_in(news, owner.payment, charge, &refunds).await?;
    match taken_in.applied.iter().filter_map(contradiction).max_by_key(|odd| !is_too_much(odd)) {
        // Reconciliation shows it, and a person takes it in there.
        Some(odd) if is_too_much(&odd) => {
            tracing::error!(payment = %owner.payment, %intent, %odd, "more was refunded than was left of the payment");
        }
        Some(odd) => {
            if news.is_first {
                tracing::error!(payment = %owner.payment, %intent, %odd, "a refund contradicts the payment");
            }
            return Ok(Acted::Contradicts);
        }
        None => {}
    }
    if taken_in.failed.is_empty() && may_be_ours(news, owner, &refunds, &taken_in).await? {
        return Ok(Acted::Later);
    }
    let (elsewhere, ours): (Vec<_>, Vec<_>) =
        taken_in.failed.into_iter().partition(|failed| failed.elsewhere);
    for failed in elsewhere {
        owe_again(news, owner, failed).await?;
    }
    // A refund that is already owed goes back first: two at once would each send what the other has not sent yet.
    if taken_in.owed && !ours.is_empty() {
        return Ok(Acted::Later);
    }
    for failed in ours {
        owe_again(news, owner, failed).await?;
    }
    news.done_for(owner.payment).await
}

fn contradiction(applied: &Applied) -> Option<Contradiction> {
    match applied {
        Applied::Contradicts(odd) => Some(*odd),
        Applied::Changed { .. } | Applied::Nothing { .. } | Applied::Unknown => None,
    }
}

fn is_too_much(odd: &Contradiction) -> bool {
    matches!(odd, Contradiction::MoreThanTaken { .. })
}

/// Handles an intent whose money nobody has recorded: the money came in late, or will be recorded.
async fn act_on_unowned(news: &News<'_>, intent: &IntentId) -> Result<Acted, ServiceError> {
    match gateway::read(news.service, intent).await {
        Some(intent) => money::act_on_unawaited(news, &intent).await,
        None => Ok(Acted::Later),
    }
}

/// Records every refund that the gateway lists, in one transaction, with the inbox's row if nothing else is to be done.
async fn take_in(
    news: &News<'_>,
    payment: PaymentId,
    charge: ChargeRecord,
    refunds: &[Refund],
) -> Result<RecordedRefunds, ServiceError> {
    let (key, refunds) = (news.key.clone(), refunds.to_vec());
    let nothing_failed = failed_of(news).is_none();
    let write_down = news.service.in_transaction(move |tx| {
        Box::pin(async move {
            let now = clock::now(tx).await?;
            let taken_in = payments::record_refunds(tx, payment, &charge, &refunds, now).await?;
            let good = |applied: &Applied| !matches!(applied, Applied::Contradicts(_));
            let is_all = nothing_failed && taken_in.failed.is_empty() && taken_in.applied.iter().all(good);
            if is_all && key.bucket == payment.bucket() {
                inbox::mark_applied(tx, &key, payment, now).await?;
            }
            let telling = start_telling(tx, payment, &taken_in).await?;
            Ok::<_, ServiceError>(Ending::Commit((taken_in, telling)))
        })
    });
    let (taken_in, telling) = write_down.await?;
    for saga in telling {
        news.service.client.nudge(saga).await;
    }
    Ok(taken_in)
}

/// Starts a saga for each refund that was made elsewhere. The saga tells the outside of it.
pub(crate) async fn start_telling(
    tx: &mut PgConnection,
    payment: PaymentId,
    taken_in: &RecordedRefunds,
) -> Result<Vec<SagaId>, ServiceError> {
    let mut telling = Vec::with_capacity(taken_in.elsewhere.len());
    for (refund, money) in &taken_in.elsewhere {
        let seen = RefundTakenIn { payment, refund: refund.clone(), money: *money };
        let saga = SagaId::new_in(payment.bucket());
        Client::start_in::<RefundElsewhere>(tx, &seen, saga).await?;
        telling.push(saga);
    }
    Ok(telling)
}

/// Whether a failed refund may be one whose acknowledgement is not in our books yet. Then it is too early to say that
/// nobody counted on it.
async fn may_be_ours(
    news: &News<'_>,
    owner: &PaymentRow,
    refunds: &[Refund],
    taken_in: &RecordedRefunds,
) -> Result<bool, ServiceError> {
    let Some(id) = failed_of(news) else { return Ok(false) };
    let ours = refunds.iter().any(|refund| refund.id == *id && refund.trace.payment_id.is_some());
    if !ours || taken_in.owed {
        return Ok(ours);
    }
    // An unwinding saga refunds without an earlier decision; late money may go back before it has a reservation.
    let found = reservations::find(&mut *news.service.connection().await?, owner.reservation).await?;
    match found {
        Some(reservation) => Ok(!is_at_rest(news.service, reservation.saga).await?),
        None => Ok(owner.status == PaymentStatus::Success),
    }
}

/// The refund that failed, according to the fact.
fn failed_of<'a>(news: &'a News<'_>) -> Option<&'a RefundId> {
    match &news.fact.kind {
        FactKind::Refund { id, status } if status.is_owed_again() => Some(id),
        _ => None,
    }
}

/// Starts a saga that records the failure, and sends the money again if it was we who had sent it.
async fn owe_again(news: &News<'_>, owner: &PaymentRow, failed: ReturnedRefund) -> Result<(), ServiceError> {
    let ReturnedRefund { id, elsewhere } = failed;
    let failed = FailedRefund { payment: owner.payment, refund: id, elsewhere };
    let key = failed.start_key();
    match elsewhere {
        true => {
            tracing::error!(payment = %owner.payment, refund = %failed.refund, "a refund failed that was made at the gateway by hand; a person must decide");
        }
        false => tracing::error!(payment = %owner.payment, refund = %failed.refund, "a refund failed"),
    }
    news.service.client.start::<Repayment>(failed).key(key).await?;
    Ok(())
}

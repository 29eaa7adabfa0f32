//! News of money that a booking depends on and that is not captured yet. The booking's saga captures it, and learns
//! the outcome from its own call. What the saga can't learn, or no longer learns because it is over, is recorded
//! here.

use super::{Acted, about::is_at_rest, amounts, gateway, item::News};
use crate::{Ending, ServiceError, clock};
use steps::{
    gateway::{CaptureOutcome, FactKind, Intent, IntentId, NeverCaptured},
    status::MoneyState,
    store::{
        inbox,
        payments::{self, Applied, PaymentRow},
        reservations,
    },
};

/// Acts on news of an intent whose capture is owed.
pub(super) async fn act(news: &News<'_>, owner: &PaymentRow, id: &IntentId) -> Result<Acted, ServiceError> {
    match news.fact.kind {
        FactKind::Cancelled => {}
        // The amount is as ordered. A saga that isn't over sees it by itself.
        FactKind::Captured if news.fact.money == Some(owner.amount) => {
            if !is_abandoned(news, owner).await? {
                return news.done_for(owner.payment).await;
            }
        }
        FactKind::Captured => {}
        FactKind::Authorised
        | FactKind::Declined
        | FactKind::Processing
        | FactKind::ActionRequired
        | FactKind::ChargeRefunded
        | FactKind::Refund { .. }
        | FactKind::Dispute { .. }
        | FactKind::Ignored(_) => return news.done_for(owner.payment).await,
    }
    let Some(intent) = gateway::read(news.service, id).await else { return Ok(Acted::Later) };
    let Some(refunds) = gateway::refunds(news.service, id).await else { return Ok(Acted::Later) };
    match CaptureOutcome::of(&intent, owner.amount, &refunds) {
        CaptureOutcome::Whole if is_abandoned(news, owner).await? => captured(news, owner, &intent).await,
        CaptureOutcome::Open if intent.is_amount_unknown() => Ok(Acted::Later),
        CaptureOutcome::Whole | CaptureOutcome::Open => news.done_for(owner.payment).await,
        CaptureOutcome::Never(never) => never_captured(news, owner, never).await,
        CaptureOutcome::Differs(taken) => amounts::contradict(news, owner, &intent.id, taken).await,
    }
}

/// Records that money was never captured, if our books still count on it. If the money is held before a booking, or
/// is on its way back, the saga that works on it records this by itself.
pub(super) async fn never_captured(
    news: &News<'_>,
    owner: &PaymentRow,
    never: NeverCaptured,
) -> Result<Acted, ServiceError> {
    if owner.money != MoneyState::Owed {
        return news.done_for(owner.payment).await;
    }
    let reason = never.as_str();
    tracing::error!(payment = %owner.payment, reservation = %owner.reservation, reason, "a booking's money was never captured");
    write_down(news, owner, payments::News::NeverCaptured { reason: reason.to_owned() }).await
}

/// Records a capture that no saga made, or whose saga was completed by hand.
async fn captured(news: &News<'_>, owner: &PaymentRow, intent: &Intent) -> Result<Acted, ServiceError> {
    tracing::warn!(payment = %owner.payment, intent = %intent.id, "a capture that no saga waits for is taken in");
    let (reference, money) = (intent.id.to_string(), owner.amount);
    write_down(news, owner, payments::News::Captured { reference, money }).await
}

/// Applies news, in one transaction with the inbox's row if both share a bucket.
async fn write_down(
    news: &News<'_>,
    owner: &PaymentRow,
    told: payments::News,
) -> Result<Acted, ServiceError> {
    let (payment, key) = (owner.payment, news.key.clone());
    let applied = news.service.in_transaction(move |tx| {
        Box::pin(async move {
            let now = clock::now(tx).await?;
            let applied = payments::apply_all(tx, &[(payment, told)], now).await?.pop();
            if matches!(applied, Some(Applied::Contradicts(_))) {
                return Ok(Ending::RollBack(applied));
            }
            if key.bucket == payment.bucket() {
                inbox::mark_applied(tx, &key, payment, now).await?;
            }
            Ok::<_, ServiceError>(Ending::Commit(applied))
        })
    });
    if let Some(Applied::Contradicts(contradiction)) = applied.await? {
        if news.is_first {
            tracing::error!(%payment, %contradiction, "the end of a capture contradicts the payment");
        }
        return Ok(Acted::Contradicts);
    }
    news.done_for(payment).await
}

/// Whether the saga that should capture it is over.
async fn is_abandoned(news: &News<'_>, owner: &PaymentRow) -> Result<bool, ServiceError> {
    let found = reservations::find(&mut *news.service.connection().await?, owner.reservation).await?;
    match found {
        Some(reservation) => is_at_rest(news.service, reservation.saga).await,
        None => Ok(true),
    }
}

//! News of disputes. Refunds are frozen while a dispute is open.
//!
//! The intent is read first: money can only be disputed if it was captured, and our books may not know that yet.

use super::{Acted, amounts, gateway, item::News};
use crate::{Ending, ServiceError, clock};
use steps::{
    gateway::{IntentId, IntentStatus, fact::DisputeStage},
    store::{
        inbox,
        payments::{self, Applied, ChargeRecord, Dispute},
    },
};

/// Records a dispute, in one transaction with the inbox's row if both share a bucket.
pub(super) async fn act(
    news: &News<'_>,
    id: &str,
    stage: DisputeStage,
    status: &str,
) -> Result<Acted, ServiceError> {
    let named = news.about.named.gateway_reference.clone().map(IntentId::new);
    let (Some(intent), Some(money)) = (news.fact.intent.clone().or(named), news.fact.money) else {
        return Ok(Acted::Contradicts);
    };
    // The payment's money is not in our books yet.
    let Some(owner) = news.about.owner(&intent) else { return Ok(Acted::Later) };
    let Some(found) = gateway::read(news.service, &intent).await else { return Ok(Acted::Later) };
    let Some(charge) = ChargeRecord::of(&found) else { return Ok(Acted::Later) };
    if found.status == IntentStatus::Succeeded && charge.captured != owner.amount {
        return amounts::contradict(news, owner, &found.id, charge.captured).await;
    }
    let at = news.fact.at;
    let dispute = Dispute { id: id.to_owned(), charge, stage, status: status.to_owned(), money, at };
    let (payment, key) = (owner.payment, news.key.clone());
    let write_down = news.service.in_transaction(move |tx| {
        Box::pin(async move {
            let now = clock::now(tx).await?;
            let applied = payments::record_dispute(tx, payment, &dispute, now).await?;
            if matches!(applied, Applied::Contradicts(_)) {
                return Ok(Ending::RollBack(applied));
            }
            if key.bucket == payment.bucket() {
                inbox::mark_applied(tx, &key, payment, now).await?;
            }
            Ok::<_, ServiceError>(Ending::Commit(applied))
        })
    });
    if let Applied::Contradicts(contradiction) = write_down.await? {
        if news.is_first {
            tracing::error!(%payment, dispute = id, %contradiction, "a dispute contradicts the payment");
        }
        return Ok(Acted::Contradicts);
    }
    tracing::error!(%payment, dispute = id, status, "the customer's bank disputes a payment");
    news.done_for(payment).await
}

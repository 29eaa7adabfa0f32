//! News of disputes: while one runs, refunds are frozen.

use super::{Acted, act::News};
use crate::{ServiceError, clock};
use sqlx::Connection;
use steps::{
    gateway::{IntentId, fact::DisputeStage},
    store::{
        inbox,
        payments::{self, Applied, Dispute},
    },
};

/// Writes a dispute down, in one transaction with the inbox's row where both share a bucket.
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
    // Its money is on its way into our books.
    let Some(owner) = news.about.owner(&intent) else { return Ok(Acted::Later) };
    let dispute = Dispute { id: id.to_owned(), intent, stage, status: status.to_owned(), money };
    let mut connection = news.service.connection().await?;
    let mut tx = Connection::begin(&mut *connection).await?;
    let now = clock::now(&mut tx).await?;
    let applied = payments::dispute(&mut tx, owner.payment, &dispute, now).await?;
    if let Applied::Contradicts(contradiction) = applied {
        tracing::error!(payment = %owner.payment, dispute = id, ?contradiction, "a dispute contradicts the payment");
        return Ok(Acted::Contradicts);
    }
    if news.key.bucket == owner.payment.bucket() {
        inbox::mark_applied(&mut tx, news.key, owner.payment, now).await?;
    }
    tx.commit().await?;
    drop(connection);
    tracing::error!(payment = %owner.payment, dispute = id, status, "the customer's bank disputes a payment");
    news.done_for(owner.payment).await
}

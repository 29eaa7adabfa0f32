//! Acts on a fact in the inbox, once.

use super::{
    about, disputes,
    item::{Acted, News},
    money, refunds,
};
use crate::{Service, ServiceError};
use steps::{
    gateway::{Fact, FactKind},
    store::inbox::{self, InboxKey},
};

/// Acts on a fact in the inbox. If this runs twice, or on two nodes at once, the effect happens once.
///
/// # Errors
/// The database or the engine failed; the fact stays in the inbox.
pub async fn act(service: &Service, key: &InboxKey, fact: &Fact) -> Result<Acted, ServiceError> {
    act_once(service, key, fact, true).await
}

/// Acts again on a fact that has stayed in the inbox. A contradiction was logged the first time, and isn't logged
/// again.
///
/// # Errors
/// As [`act`].
pub async fn act_again(service: &Service, key: &InboxKey, fact: &Fact) -> Result<Acted, ServiceError> {
    act_once(service, key, fact, false).await
}

async fn act_once(
    service: &Service,
    key: &InboxKey,
    fact: &Fact,
    is_first: bool,
) -> Result<Acted, ServiceError> {
    let Some(about) = about::find(service, fact).await? else {
        // A payment has its row before the gateway hears of it. If there is no row, it was lost or the payment is not ours.
        if inbox::mark_unmatched(&mut *service.connection().await?, key).await? {
            tracing::warn!(event = %fact.event_id, "news names a payment that our books don't have");
        }
        return Ok(Acted::Later);
    };
    let news = News { service, key, fact, about, is_first };
    match &fact.kind {
        FactKind::Authorised | FactKind::Captured | FactKind::Declined | FactKind::Cancelled => {
            money::act(&news).await
        }
        FactKind::Processing | FactKind::ActionRequired | FactKind::Ignored(_) => news.done().await,
        FactKind::ChargeRefunded | FactKind::Refund { .. } => refunds::act(&news).await,
        FactKind::Dispute { id, stage, status } => disputes::act(&news, id, *stage, status).await,
    }
}

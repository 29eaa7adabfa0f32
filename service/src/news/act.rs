//! Acts on a fact in the inbox, once.

use super::{
    about::{self, About},
    disputes, money, refunds,
};
use crate::{Service, ServiceError, clock};
use steps::{
    PaymentId,
    gateway::{Fact, FactKind},
    store::inbox::{self, InboxKey},
};

/// The result of acting on a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It was acted on, now or earlier.
    Done,
    /// It can't be acted on yet: the payment isn't known, its saga is working on it, or the gateway can't be read. It stays in
    /// the inbox.
    Later,
    /// It contradicts what we know. It stays in the inbox for a person.
    Contradicts,
}

/// Acts on a fact in the inbox. If this runs twice, or on two nodes at once, the effect happens once.
///
/// # Errors
/// The database or the engine failed; the fact stays in the inbox.
pub async fn act(service: &Service, key: &InboxKey, fact: &Fact) -> Result<Acted, ServiceError> {
    let Some(about) = about::find(service, fact).await? else {
        // A payment has its row before the gateway hears of it. If there is no row, it was lost or the payment is not ours.
        if inbox::mark_unmatched(&mut *service.connection().await?, key).await? {
            tracing::warn!(event = %fact.event_id, "news names a payment that our books don't have");
        }
        return Ok(Acted::Later);
    };
    let news = News { service, key, fact, about };
    match &fact.kind {
        FactKind::Authorised | FactKind::Captured | FactKind::Declined | FactKind::Cancelled => {
            money::act(&news).await
        }
        FactKind::Processing | FactKind::ActionRequired | FactKind::Ignored(_) => news.done().await,
        FactKind::ChargeRefunded | FactKind::Refund { .. } => refunds::act(&news).await,
        FactKind::Dispute { id, stage, status } => disputes::act(&news, id, *stage, status).await,
    }
}

/// A fact, its key in the inbox, and the payment that it is about.
pub(super) struct News<'a> {
    pub service: &'a Service,
    pub key: &'a InboxKey,
    pub fact: &'a Fact,
    pub about: About,
}

impl News<'_> {
    /// Marks it as done.
    pub async fn done(&self) -> Result<Acted, ServiceError> {
        self.done_for(self.about.named.payment).await
    }

    /// Marks it as done, with the payment that it was about.
    pub async fn done_for(&self, payment: PaymentId) -> Result<Acted, ServiceError> {
        let mut connection = self.service.connection().await?;
        let now = clock::now(&mut connection).await?;
        inbox::mark_applied(&mut connection, self.key, payment, now).await?;
        Ok(Acted::Done)
    }
}

//! Out of the inbox: what a fact means, acted on once.

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

/// What became of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acted {
    /// It is done with, now or before.
    Done,
    /// Not yet: the payment isn't known, its saga is at it, or the gateway can't be read. It stays in the inbox.
    Later,
    /// It contradicts what we know. It stays in the inbox for a person.
    Contradicts,
}

/// Acts on a fact in the inbox. Doing it twice, or on two nodes at once, does it once.
///
/// # Errors
/// The database's or the engine's; the fact stays in the inbox.
pub async fn act(service: &Service, key: &InboxKey, fact: &Fact) -> Result<Acted, ServiceError> {
    let Some(about) = about::find(service, fact).await? else {
        // A payment has its row before the gateway hears of it, so one that has none was lost, or is another's.
        if inbox::mark_unmatched(&mut *service.connection().await?, key).await? {
            tracing::warn!(event = %fact.event_id, "news names a payment that our books have not");
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

/// A fact, where it is kept, and what it is about.
pub(super) struct News<'a> {
    pub service: &'a Service,
    pub key: &'a InboxKey,
    pub fact: &'a Fact,
    pub about: About,
}

impl News<'_> {
    /// Nothing more is to be done about it.
    pub async fn done(&self) -> Result<Acted, ServiceError> {
        self.done_for(self.about.named.payment).await
    }

    /// The same, where it was about this payment.
    pub async fn done_for(&self, payment: PaymentId) -> Result<Acted, ServiceError> {
        let mut connection = self.service.connection().await?;
        let now = clock::now(&mut connection).await?;
        inbox::mark_applied(&mut connection, self.key, payment, now).await?;
        Ok(Acted::Done)
    }
}

//! A piece of news that is acted on, and the result of that. Files that act on one kind of news take it from here.

use super::about::About;
use crate::{Service, ServiceError, clock};
use steps::{
    PaymentId,
    gateway::Fact,
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

/// A fact, its key in the inbox, and the payment that it is about.
pub(super) struct News<'a> {
    pub service: &'a Service,
    pub key: &'a InboxKey,
    pub fact: &'a Fact,
    pub about: About,
    /// Whether nobody has acted on it before. Only then a contradiction is logged.
    pub is_first: bool,
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

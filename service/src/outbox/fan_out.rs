//! What the engine hands its messages to: a delivery is made for each subscription that wants the message, in the transaction
//! that marks it as taken. So there are deliveries of it for all of them or for none, and once.

use super::store::{deliveries, subscriptions};
use chrono::{DateTime, Utc};
use orchestrator::outbox::{Deliver, DeliverError, Message};
use sqlx::PgConnection;
use std::sync::Arc;
use tokio::sync::Notify;

/// Messages that are handed over by one transaction.
pub const HAND_OVER_MAX: usize = 500;

/// Makes deliveries of messages.
pub struct FanOut {
    hand_over_max: usize,
    handed: Arc<Notify>,
}

impl FanOut {
    /// One that takes so many messages at once, and then tells whoever sends deliveries from here.
    pub fn new(hand_over_max: usize, handed: Arc<Notify>) -> Self {
        Self { hand_over_max, handed }
    }
}

impl Deliver for FanOut {
    /// Subscriptions are read after the messages: whoever subscribes later is told of what is decided later.
    async fn deliver(&self, connection: &mut PgConnection, messages: &[Message]) -> Result<(), DeliverError> {
        let audience = subscriptions::read_audience(connection).await?;
        Ok(deliveries::insert(connection, messages, &audience).await?)
    }

    fn batch_max(&self) -> usize {
        self.hand_over_max
    }

    /// What nobody wants to hear of stays as it is, and costs nothing.
    async fn wanted_since(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<DateTime<Utc>>, DeliverError> {
        Ok(subscriptions::first_since(connection).await?)
    }

    fn committed(&self) {
        self.handed.notify_one();
    }
}

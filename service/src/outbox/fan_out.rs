//! The engine hands its messages to this. It makes a delivery for each subscription that wants the message, in the
//! transaction that marks the message as taken. So deliveries exist for all of these subscriptions or for none, and once.

use super::store::{deliveries, subscriptions};
use chrono::{DateTime, Utc};
use orchestrator::outbox::{Deliver, DeliverError, Message};
use sqlx::PgConnection;
use std::sync::Arc;
use tokio::sync::Notify;

/// Messages that one transaction hands over.
pub const HAND_OVER_MAX: usize = 500;

/// Makes deliveries of messages.
pub struct FanOut {
    hand_over_max: usize,
    handed: Arc<Notify>,
}

impl FanOut {
    /// A fan-out that takes this many messages at once, and then notifies the deliverer of this node.
    pub fn new(hand_over_max: usize, handed: Arc<Notify>) -> Self {
        Self { hand_over_max, handed }
    }
}

impl Deliver for FanOut {
    /// Subscriptions are read after the messages: a later subscription gets only what is decided later.
    async fn deliver(&self, connection: &mut PgConnection, messages: &[Message]) -> Result<(), DeliverError> {
        let audience = subscriptions::read_audience(connection).await?;
        Ok(deliveries::insert(connection, messages, &audience).await?)
    }

    fn batch_max(&self) -> usize {
        self.hand_over_max
    }

    /// Messages that nobody subscribes to stay as they are, and cost nothing.
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

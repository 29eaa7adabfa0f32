//! Nudges between nodes through Redis. They are sent after a commit, may be lost, and are never trusted.

use crate::{id::SagaId, lane::Shared};
use futures_util::StreamExt;
use redis::{AsyncCommands, aio::ConnectionManager, aio::ConnectionManagerConfig};
use std::{sync::Arc, time::Duration};
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// How long sending a hint may take: a later one would be useless.
const PUBLISH_MAX: Duration = Duration::from_millis(100);
/// The wait between two attempts to subscribe.
const RESUBSCRIBE: Duration = Duration::from_secs(1);

/// The channel on which this cluster's nodes nudge each other.
#[derive(Clone)]
pub(crate) struct Hints {
    client: redis::Client,
    channel: Arc<str>,
    connection: Arc<OnceCell<ConnectionManager>>,
}

impl Hints {
    pub fn open(url: &str, channel: &str) -> Result<Self, redis::RedisError> {
        Ok(Self {
            client: redis::Client::open(url)?,
            channel: channel.into(),
            connection: Arc::new(OnceCell::new()),
        })
    }

    /// Tells nodes that a saga may be due. It may fail, and is bounded in time.
    pub async fn publish(&self, saga: SagaId) {
        let send = async {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(0)
                .set_connection_timeout(Some(PUBLISH_MAX));
            let open = || ConnectionManager::new_with_config(self.client.clone(), config);
            let mut connection = self.connection.get_or_try_init(open).await?.clone();
            connection.publish::<_, _, ()>(&*self.channel, saga.to_string()).await
        };
        match tokio::time::timeout(PUBLISH_MAX, send).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%saga, %error, "a hint was lost"),
            Err(_) => tracing::debug!(%saga, "a hint was lost: Redis is slow"),
        }
    }

    /// Wakes this node's lanes at every hint, until told to stop.
    pub async fn listen(self, shared: Arc<Shared>, stop: CancellationToken) {
        let listening = async {
            loop {
                if let Err(error) = self.listen_once(&shared).await {
                    tracing::debug!(%error, "hints can't be received; polling goes on");
                }
                tokio::time::sleep(RESUBSCRIBE).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = listening => {}
        }
    }

    async fn listen_once(&self, shared: &Shared) -> Result<(), redis::RedisError> {
        let mut subscription = self.client.get_async_pubsub().await?;
        subscription.subscribe(&*self.channel).await?;
        let mut messages = subscription.into_on_message();
        while let Some(message) = messages.next().await {
            if let Ok(saga) = message.get_payload::<String>()?.parse::<SagaId>() {
                shared.queue(saga).wake(saga);
            }
        }
        Ok(())
    }
}

//! What every part of a node shares.

use crate::{
    Ending, ServiceError,
    config::Config,
    rounds::Rounds,
    telemetry::{self, Sampler},
    transaction,
};
use anyhow::Context;
use futures_util::future::BoxFuture;
use metrics_exporter_prometheus::PrometheusHandle;
use operator::Operator;
use orchestrator::{Client, Database};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::ExposeSecret;
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};
use std::{ops::Deref, sync::Arc, time::Duration};
use steps::{gateway::Gateway, locks::SeatLocks};
use tokio::{sync::Notify, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long Redis may take. It takes load off Postgres, so an answer slower than Postgres' own is worth nothing.
fn redis_manners() -> ConnectionManagerConfig {
    ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_millis(500)))
        .set_response_timeout(Some(Duration::from_millis(250)))
        .set_number_of_retries(1)
}

/// The service of one node. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Parts>);

/// The parts that clones share.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// Connections for requests and jobs.
    pub pool: PgPool,
    /// The engine.
    pub client: Client,
    /// The operators' desk of this node.
    pub(crate) desk: Operator,
    /// The seat locks, which refuse losers early.
    pub locks: SeatLocks,
    /// The payment gateway.
    pub gateway: Gateway,
    /// Work that goes on when its caller hangs up. Shutdown waits for it.
    pub tasks: TaskTracker,
    /// Redis, connected when it is first needed and reconnected when it is lost.
    pub redis: ConnectionManager,
    /// The recorder of the metrics.
    pub metrics: PrometheusHandle,
    /// Tells that messages were handed over on this node and wait to be sent.
    pub handed: Arc<Notify>,
    /// How far the jobs have come through the inbox.
    pub(crate) rounds: Rounds,
    /// The counts when the last sample was taken.
    pub(crate) sampler: Sampler,
    leaving: CancellationToken,
}

impl Service {
    /// A service on the database and the Redis that the configuration names.
    ///
    /// # Errors
    /// The database can't be reached. Redis may be away: it is connected when it is needed.
    pub async fn open(
        config: Config,
        client: Client,
        desk: Operator,
        locks: SeatLocks,
        gateway: Gateway,
        handed: Arc<Notify>,
    ) -> anyhow::Result<Self> {
        let database = Database::at(config.database.url.expose_secret())?;
        let pool =
            database.pool(config.database.connections_max).await.context("connecting to the database")?;
        let address = redis::Client::open(config.redis.url.expose_secret()).context("reading `redis.url`")?;
        let redis = ConnectionManager::new_lazy_with_config(address, redis_manners())?;
        Ok(Self(Arc::new(Parts {
            config,
            pool,
            client,
            desk,
            locks,
            gateway,
            tasks: TaskTracker::new(),
            redis,
            metrics: telemetry::recorder()?,
            handed,
            rounds: Rounds::default(),
            sampler: Sampler::default(),
            leaving: CancellationToken::new(),
        })))
    }

    /// A connection for a few statements.
    ///
    /// # Errors
    /// No connection was free in time.
    pub async fn connection(&self) -> Result<PoolConnection<Postgres>, ServiceError> {
        Ok(self.0.pool.acquire().await?)
    }

    /// Does `work` in a [`transaction()`] that goes on when its caller hangs up.
    ///
    /// # Errors
    /// The error of `work`, or the database failed.
    pub async fn in_transaction<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<sqlx::Error> + Send + 'static,
        W: for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<Ending<T>, E>> + Send + 'static,
    {
        transaction(&self.0.pool, &self.0.tasks, work).await
    }

    /// The operators' desk.
    pub fn operator(&self) -> Operator {
        self.0.desk.clone()
    }

    /// Whether Redis answers within `bound`.
    pub async fn redis_answers(&self, bound: Duration) -> bool {
        let mut redis = self.0.redis.clone();
        let ping = async move { redis::cmd("PING").query_async::<()>(&mut redis).await };
        matches!(timeout(bound, ping).await, Ok(Ok(())))
    }

    /// Says "not ready" from now on, so that no new callers are sent here.
    pub fn begin_draining(&self) {
        self.0.leaving.cancel();
    }

    /// Waits for something, but only until this node shuts down: then it returns `None`.
    pub async fn while_staying<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        self.0.leaving.run_until_cancelled(wait).await
    }

    /// Whether this node is about to shut down.
    pub fn is_draining(&self) -> bool {
        self.0.leaving.is_cancelled()
    }
}

impl Deref for Service {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

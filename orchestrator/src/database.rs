//! The engine's connections to the database, and their settings.

use crate::settings::Settings;
use futures_util::future::BoxFuture;
use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// How long a statement may take. If it takes longer, something is wrong that should be seen.
const STATEMENT_MS: u32 = 10_000;
/// How long a statement waits for a lock. Locks are held for one batch, so after this time the batch is repeated.
const LOCK_MS: u32 = 2_000;
/// How long a lane waits for a lock. It has other sagas to serve, so a saga that must wait longer waits alone.
const LANE_LOCK_MS: u32 = 200;
/// A transaction of ours never waits for anything but the database.
const IDLE_MS: u32 = 15_000;
/// After this long without a word from us the server asks whether we are there, and releases our locks if we are not.
const KEEPALIVE_S: u32 = 3;
const KEEPALIVES: u32 = 3;
/// How long a background statement may take, with its way over the network.
const ANSWER_MAX: Duration = Duration::from_millis(STATEMENT_MS as u64 + 2_000);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// The address of the database, and this program's name there.
#[derive(Clone, Debug)]
pub struct Database {
    options: PgConnectOptions,
}

impl Database {
    /// Reads a URL such as `postgres://usher@127.0.0.1:5432/usher`. It must name the user.
    pub fn at(url: &str) -> Result<Self, sqlx::Error> {
        let options = PgConnectOptions::from_str(url)?.options([
            ("statement_timeout", STATEMENT_MS),
            ("lock_timeout", LOCK_MS),
            ("idle_in_transaction_session_timeout", IDLE_MS),
            ("tcp_keepalives_idle", KEEPALIVE_S),
            ("tcp_keepalives_interval", KEEPALIVE_S),
            ("tcp_keepalives_count", KEEPALIVES),
            ("tcp_user_timeout", KEEPALIVE_S * (KEEPALIVES + 1) * 1_000),
        ]);
        Ok(Self { options: options.disable_statement_logging() })
    }

    /// A pool for one-statement work.
    pub async fn pool(&self, most: u32) -> Result<PgPool, sqlx::Error> {
        let options = self.options.clone().application_name("usher");
        PgPoolOptions::new().max_connections(most).acquire_timeout(CONNECT).connect_with(options).await
    }

    /// A pool that connects when it is first asked: for what is rarely needed.
    pub fn pool_on_demand(&self, most: u32) -> PgPool {
        let options = self.options.clone().application_name("usher");
        PgPoolOptions::new().max_connections(most).acquire_timeout(CONNECT).connect_lazy_with(options)
    }

    /// A connection for one purpose.
    pub async fn connect(&self, purpose: &str) -> Result<PgConnection, sqlx::Error> {
        let options = self.options.clone().application_name(&format!("usher {purpose}"));
        connect(&options).await
    }

    /// A connection that waits for no lock longer than this.
    pub(crate) async fn connect_impatient(
        &self,
        purpose: &str,
        lock: Duration,
    ) -> Result<PgConnection, sqlx::Error> {
        let options = self.options.clone().application_name(&format!("usher {purpose}"));
        connect(&options.options([("lock_timeout", lock.as_millis().max(1).to_string())])).await
    }

    /// A lane's connection, to a server that can be written to, and its process there. Its statements are few and come again, so their plans are fixed, by keys and never by
    /// scanning, whatever the tables' statistics were when they were planned.
    pub(crate) async fn connect_lane(&self, lane: usize) -> Result<(PgConnection, i32), sqlx::Error> {
        let statement_ms = Settings::STATEMENT_MAX.as_millis().to_string();
        let lock_ms = LANE_LOCK_MS.to_string();
        let options = self.options.clone().application_name(&format!("usher lane {lane}")).options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
            ("statement_timeout", &statement_ms),
            ("lock_timeout", &lock_ms),
        ]);
        let mut connection = connect(&options).await?;
        let look = "select pg_backend_pid(), current_setting('transaction_read_only') = 'on'";
        let (backend, read_only): (i32, bool) =
            in_time(sqlx::query_as(look).fetch_one(&mut connection)).await?;
        if read_only {
            return Err(std::io::Error::other("the server is read-only").into());
        }
        Ok((connection, backend))
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let timed_out = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection in time");
    tokio::time::timeout(CONNECT, options.connect()).await.map_err(timed_out)?
}

/// Runs this on a pooled connection, within the same time. A connection that gave no answer is closed.
pub(crate) async fn on_pooled<T>(
    pool: &PgPool,
    work: impl for<'c> FnOnce(&'c mut PgConnection) -> BoxFuture<'c, Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    match tokio::time::timeout(ANSWER_MAX, work(&mut connection)).await {
        Ok(done) => done,
        Err(_) => {
            connection.close_on_drop();
            Err(no_answer())
        }
    }
}

/// Waits for background statements no longer than the server may take for them, and a little more for the network. A
/// connection whose other side is gone is noticed here, and must not be used again.
pub(crate) async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(ANSWER_MAX, work).await.unwrap_or_else(|_| Err(no_answer()))
}

fn no_answer() -> sqlx::Error {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer in time").into()
}

//! Connections as the engine uses them.

use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{str::FromStr, time::Duration};

/// A statement that takes longer has met something that should be seen.
const STATEMENT_MS: u32 = 10_000;
/// Locks are held for one batch; waiting longer than this is worth a repeat.
const LOCK_MS: u32 = 2_000;
/// A transaction of ours never waits for anything but the database.
const IDLE_MS: u32 = 15_000;
/// Until a connection is there.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the database is, and how this program names itself there.
#[derive(Clone, Debug)]
pub struct Database {
    options: PgConnectOptions,
}

impl Database {
    /// From a URL such as `postgres://usher@127.0.0.1:5432/usher`; the user must be written.
    pub fn at(url: &str) -> Result<Self, sqlx::Error> {
        let options = PgConnectOptions::from_str(url)?.options([
            ("statement_timeout", STATEMENT_MS.to_string()),
            ("lock_timeout", LOCK_MS.to_string()),
            ("idle_in_transaction_session_timeout", IDLE_MS.to_string()),
        ]);
        Ok(Self { options: options.disable_statement_logging() })
    }

    /// A pool for one-statement work.
    pub async fn pool(&self, most: u32) -> Result<PgPool, sqlx::Error> {
        let options = self.options.clone().application_name("usher");
        PgPoolOptions::new().max_connections(most).acquire_timeout(CONNECT).connect_with(options).await
    }

    /// A connection for one purpose.
    pub async fn connect(&self, purpose: &str) -> Result<PgConnection, sqlx::Error> {
        let options = self.options.clone().application_name(&format!("usher {purpose}"));
        connect(&options).await
    }

    /// A lane's connection: its statements are few and come again, so their plans are fixed, by keys and never by
    /// scanning, whatever the tables' statistics were when they were planned.
    pub(crate) async fn connect_lane(&self, lane: usize) -> Result<PgConnection, sqlx::Error> {
        let options = self.options.clone().application_name(&format!("usher lane {lane}")).options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("enable_hashjoin", "off"),
            ("enable_mergejoin", "off"),
        ]);
        connect(&options).await
    }
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let timed_out = |_| std::io::Error::new(std::io::ErrorKind::TimedOut, "no connection in time");
    tokio::time::timeout(CONNECT, options.connect()).await.map_err(timed_out)?
}

//! The database, for commands that ask it themselves.

use anyhow::Context;
use orchestrator::Database;
use secrecy::ExposeSecret;
use service::config::Config;
use sqlx::PgPool;

/// A pool for one command's few statements.
pub(super) async fn pool(config: &Config) -> anyhow::Result<PgPool> {
    /// One statement at a time.
    const CONNECTIONS_MAX: u32 = 1;
    let database = Database::at(config.database.url.expose_secret()).context("reading `database.url`")?;
    database
        .pool(CONNECTIONS_MAX)
        .await
        .context("connecting to the database at `database.url`; `usher config` says where that came from")
}

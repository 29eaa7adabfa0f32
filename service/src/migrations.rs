//! Brings both schemas up to date together.

use sqlx::{ConnectOptions, PgConnection, PgPool, postgres::PgConnectOptions};
use std::str::FromStr;

/// Brings both schemas of a database up to date: the engine's, then the booking's.
///
/// # Errors
/// There is no connection, or a migration failed or was changed after it had been applied.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    let url = url.to_owned();
    let runtime = tokio::runtime::Handle::current();
    // The compiler can't prove that the migrator's future is `Send`, so it stays on one thread.
    tokio::task::spawn_blocking(move || runtime.block_on(run(&url))).await?
}

async fn run(url: &str) -> anyhow::Result<()> {
    // It needs a connection of its own: after an error the migrator keeps its lock until the connection is closed.
    let mut connection = PgConnectOptions::from_str(url)?.application_name("usher migrate").connect().await?;
    orchestrator::migrate(&mut connection).await?;
    steps::migrate(&mut connection).await?;
    Ok(())
}

/// Whether the database has every table that this binary needs.
///
/// # Errors
/// The database failed.
pub async fn are_current(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    Ok(orchestrator::is_migrated(&mut connection).await? && booking_is_migrated(&mut connection).await?)
}

async fn booking_is_migrated(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let known = sqlx::migrate!("../migrations/booking").iter().map(|migration| migration.version).max();
    let table: Option<String> = sqlx::query_scalar("select to_regclass('booking.migrations')::text")
        .fetch_one(&mut *connection)
        .await?;
    if table.is_none() {
        return Ok(false);
    }
    let applied: Option<i64> =
        sqlx::query_scalar("select max(version) from booking.migrations where success")
            .fetch_one(connection)
            .await?;
    Ok(applied >= known)
}

//! PostgreSQL with the service's tables, and who may use them.

use anyhow::Context;
use dev::{Postgres, PostgresOptions};
use service::roles::{Purpose, grant};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::path::Path;

/// In which the service's tables are.
pub(super) const DATABASE: &str = "usher";
/// The role that nodes serve as.
pub(super) const APP_ROLE: &str = "usher_app";

/// Deadlocks are counted in its log. A commit need not survive a power failure: nobody cuts the power.
pub(super) async fn postgres(data: &Path) -> anyhow::Result<Postgres> {
    let mut options = PostgresOptions::in_dir(data);
    options.durable = false;
    options.extra_settings = [("log_lock_waits", "on"), ("max_wal_size", "128MB"), ("min_wal_size", "64MB")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let postgres = Postgres::start(options).await?;
    let maintenance: PgConnectOptions = postgres.url("postgres").parse()?;
    let mut connection = maintenance.connect().await.context("connecting to PostgreSQL")?;
    let create = sqlx::raw_sql(AssertSqlSafe(format!("create database {DATABASE}")));
    create.execute(&mut connection).await.context("creating the database")?;
    connection.close().await?;
    Ok(postgres)
}

pub(super) async fn migrate(url: &str) -> anyhow::Result<()> {
    service::migrate(url).await.context("migrating")?;
    grant(url, &[(Purpose::App, APP_ROLE.parse().expect("it is a role's name"))])
        .await
        .context("making the nodes' role")?;
    Ok(())
}

/// Connections are made when they are needed, so that a crash of the server costs nothing but a retry.
pub(super) fn pool(url: &str) -> PgPool {
    const CONNECTIONS_MAX: u32 = 4;
    let options = PgPoolOptions::new().max_connections(CONNECTIONS_MAX);
    options.connect_lazy(url).expect("the URL was used a moment ago")
}

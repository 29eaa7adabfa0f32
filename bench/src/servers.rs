//! The private Postgres and Redis, and the databases: a template that is prepared once, and a copy of it for each
//! round.

use anyhow::Context;
use dev::{Postgres, PostgresOptions, Redis, RedisOptions, Scratch};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, postgres::PgConnectOptions};
use std::str::FromStr;

/// Settings as a production server would have them. fsync and full_page_writes are on. No checkpoint falls into a
/// round: each begins with one, and the log may grow until the next.
const SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "512MB"),
    ("max_wal_size", "16GB"),
    ("min_wal_size", "4GB"),
    ("checkpoint_timeout", "1h"),
];

/// The database that every round's is copied from.
pub(crate) const TEMPLATE: &str = "bench_template";
/// The database of a round.
const ROUND: &str = "bench_round";

/// Both servers. Dropping it stops them and removes their folder.
pub(crate) struct Servers {
    postgres: Postgres,
    redis: Redis,
    // Last, because fields are dropped in their order.
    _scratch: Scratch,
}

impl Servers {
    pub async fn start() -> anyhow::Result<Self> {
        let scratch = Scratch::new()?;
        let mut options = PostgresOptions::in_dir(scratch.path().join("postgres"));
        options.extra_settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let (postgres, redis) = tokio::try_join!(
            Postgres::start(options),
            Redis::start(RedisOptions::in_dir(scratch.path().join("redis")))
        )?;
        Ok(Self { postgres, redis, _scratch: scratch })
    }

    pub fn redis_url(&self) -> String {
        self.redis.url()
    }

    pub fn major_version(&self) -> u32 {
        self.postgres.major_version()
    }

    /// A connection that is none of the contenders'.
    pub async fn admin(&self) -> anyhow::Result<PgConnection> {
        connect(&self.postgres.url("postgres")).await
    }

    /// The empty database for the template.
    pub async fn create_template(&self) -> anyhow::Result<PgConnection> {
        execute(&mut self.admin().await?, format!("create database {TEMPLATE}")).await?;
        connect(&self.postgres.url(TEMPLATE)).await
    }

    /// A fresh copy of the template, an empty Redis, and a checkpoint. Returns the database's URL.
    pub async fn fresh(&self) -> anyhow::Result<String> {
        let admin = &mut self.admin().await?;
        execute(admin, format!("drop database if exists {ROUND} with (force)")).await?;
        // Copies the files: a copy through the log (the default since 15) would take longer than a round.
        let strategy = if self.major_version() >= 15 { " strategy file_copy" } else { "" };
        execute(admin, format!("create database {ROUND} template {TEMPLATE}{strategy}")).await?;
        execute(admin, "checkpoint".to_owned()).await?;
        let mut redis = redis::Client::open(self.redis.url())?.get_multiplexed_async_connection().await?;
        redis::cmd("FLUSHALL").query_async::<()>(&mut redis).await.context("emptying Redis")?;
        Ok(self.postgres.url(ROUND))
    }

    /// Waits until nobody is connected to the round's database: a session's counts are whole once it has ended.
    pub async fn wait_until_left(&self, admin: &mut PgConnection) -> anyhow::Result<()> {
        let still =
            "select count(*) from pg_stat_activity where datname = $1 and backend_type = 'client backend'";
        for _ in 0..500 {
            let sessions: i64 = sqlx::query_scalar(still).bind(ROUND).fetch_one(&mut *admin).await?;
            if sessions == 0 {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        anyhow::bail!("sessions of the round are still open after 5 s; this is a bug of the benchmark")
    }

    /// Commits in the round's database so far.
    pub async fn commits(&self, admin: &mut PgConnection) -> anyhow::Result<i64> {
        let commits = "select xact_commit from pg_stat_database where datname = $1";
        Ok(sqlx::query_scalar(commits).bind(ROUND).fetch_one(admin).await?)
    }
}

/// A connection with default settings.
pub(crate) async fn connect(url: &str) -> anyhow::Result<PgConnection> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging();
    options.connect().await.context("connecting to the private PostgreSQL")
}

/// A connection of a floor, with its plans fixed as the engine's lanes fix theirs.
pub(crate) async fn connect_floor(url: &str) -> anyhow::Result<PgConnection> {
    let options = PgConnectOptions::from_str(url)?.disable_statement_logging().options([
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
    ]);
    options.connect().await.context("connecting to the private PostgreSQL")
}

/// Names of databases can't be parameters; these are constants.
async fn execute(connection: &mut PgConnection, sql: String) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.context(sql)?;
    Ok(())
}

//! A database for each test, copied from a template that has been migrated once.

use super::server::server;
use futures_util::future::BoxFuture;
use sqlx::{Connection, PgConnection};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::OnceCell;

/// Brings the schema of one crate into the database at this URL.
pub type Migrator = for<'a> fn(&'a str) -> BoxFuture<'a, anyhow::Result<()>>;

/// The migrators of the whole service, in their order: the engine's, then the booking's, then what roles may do.
const USHER: &[Migrator] = &[engine, booking, roles];

/// The role that nodes serve as; made once for each server.
const APP_ROLE: &str = "usher_app";
/// The role that may only read; made once for each server.
const READ_ROLE: &str = "usher_read";

/// The age, in seconds, at which databases of killed processes are dropped.
const ABANDONED_AFTER_S: u64 = 3600;
const PREFIX: &str = "usher_test_";

fn engine(url: &str) -> BoxFuture<'_, anyhow::Result<()>> {
    Box::pin(async move { Ok(orchestrator::migrate(&mut connect(url).await).await?) })
}

fn booking(url: &str) -> BoxFuture<'_, anyhow::Result<()>> {
    Box::pin(async move { Ok(steps::migrate(&mut connect(url).await).await?) })
}

fn roles(url: &str) -> BoxFuture<'_, anyhow::Result<()>> {
    use service::roles::{Purpose, grant};
    let wanted = [(Purpose::App, APP_ROLE), (Purpose::Read, READ_ROLE)];
    let wanted = wanted.map(|(purpose, name)| (purpose, name.parse().expect("it is a role's name")));
    Box::pin(async move {
        grant(url, &wanted).await?;
        Ok(())
    })
}

/// A database for one test. Dropping it drops the database.
#[derive(Debug)]
pub struct Database {
    name: String,
    url: String,
    maintenance_url: String,
}

impl Database {
    /// A new one with all migrations of the service applied.
    pub async fn fresh() -> Self {
        static TEMPLATE: OnceCell<Template> = OnceCell::const_new();
        TEMPLATE.get_or_init(|| Template::prepare(USHER)).await.copy().await
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its URL as a node has it: of the role that may change nothing in journal, audit and ledger.
    pub fn app_url(&self) -> String {
        with_user(&self.url, APP_ROLE)
    }

    /// Its URL for those who only look.
    pub fn read_url(&self) -> String {
        with_user(&self.url, READ_ROLE)
    }

    /// A connection of its own.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url).await
    }
}

impl Drop for Database {
    /// Works on a thread of its own, because a test's runtime can't wait for itself. A test whose sessions deadlocked
    /// fails: Postgres resolves a deadlock only after a second, and everybody in it and behind it waits that long.
    fn drop(&mut self) {
        let (name, url) = (self.name.clone(), self.maintenance_url.clone());
        let dropping = std::thread::spawn(move || -> anyhow::Result<i64> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(end(&name, &url))
        });
        // A database that stays behind harms nobody: private servers go with the process, others are swept.
        if let Ok(Ok(deadlocks @ 1..)) = dropping.join()
            && !std::thread::panicking()
        {
            panic!("{deadlocks} deadlocks in the test's database; the server's log has the statements");
        }
    }
}

/// Drops a database, and says how many deadlocks it had seen. Sessions count theirs at the latest when they end.
async fn end(name: &str, maintenance_url: &str) -> anyhow::Result<i64> {
    const ENDING_MS: i64 = 5_000;
    let mut connection = PgConnection::connect(maintenance_url).await?;
    let end = "select pg_terminate_backend(pid, $2) from pg_stat_activity where datname = $1";
    sqlx::query(end).bind(name).bind(ENDING_MS).execute(&mut connection).await?;
    let deadlocks = sqlx::query_scalar("select deadlocks from pg_stat_database where datname = $1");
    let deadlocks: i64 = deadlocks.bind(name).fetch_one(&mut connection).await?;
    execute(&mut connection, &format!("drop database if exists {name} with (force)")).await?;
    Ok(deadlocks)
}

/// A migrated database from which others are copied.
#[derive(Debug)]
pub struct Template {
    name: String,
    maintenance_url: String,
}

impl Template {
    /// Makes one and applies `migrators` in their order.
    pub async fn prepare(migrators: &[Migrator]) -> Self {
        let maintenance_url = server().await.database_url.clone();
        let template = Self { name: unused_name(), maintenance_url };
        let mut connection = connect(&template.maintenance_url).await;
        sweep(&mut connection).await;
        must(execute(&mut connection, &format!("create database {}", template.name)).await);
        let url = with_database(&template.maintenance_url, &template.name);
        for migrate in migrators {
            must(migrate(&url).await);
        }
        template
    }

    /// A new database like it.
    pub async fn copy(&self) -> Database {
        let name = unused_name();
        let mut connection = connect(&self.maintenance_url).await;
        must(execute(&mut connection, &format!("create database {name} template {}", self.name)).await);
        let url = with_database(&self.maintenance_url, &name);
        Database { name, url, maintenance_url: self.maintenance_url.clone() }
    }
}

/// Drops what processes left behind that were killed long ago, on a server that outlives them.
async fn sweep(connection: &mut PgConnection) {
    let names = sqlx::query_scalar("select datname::text from pg_database where starts_with(datname, $1)");
    let names: Vec<String> = must(names.bind(PREFIX).fetch_all(&mut *connection).await);
    for name in names {
        let made_s = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()?.parse::<u64>().ok());
        if made_s.is_some_and(|made_s| made_s + ABANDONED_AFTER_S < now_s()) {
            let _ = execute(connection, &format!("drop database if exists {name} with (force)")).await;
        }
    }
}

/// A name that says when the database was made, for [`sweep`], and by which process.
fn unused_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{PREFIX}{}_{}_{}", now_s(), std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The same server, another database; what follows a `?` stays.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) =
        url.split_once('?').map_or((url, String::new()), |(url, rest)| (url, format!("?{rest}")));
    let authority = address.find("://").map_or(0, |at| at + 3);
    let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
    format!("{}/{name}{options}", &address[..end])
}

/// The same database, as another user. A server that wants passwords has none for our roles: there the owner stays.
fn with_user(url: &str, user: &str) -> String {
    let begin = url.find("://").map_or(0, |at| at + 3);
    match url[begin..].split_once('@') {
        Some((old, _)) if old.contains(':') => url.to_owned(),
        Some((_, rest)) => format!("{}{user}@{rest}", &url[..begin]),
        None => url.to_owned(),
    }
}

async fn connect(url: &str) -> PgConnection {
    must(PgConnection::connect(url).await)
}

/// Names of databases can't be parameters; these are all made here.
async fn execute(connection: &mut PgConnection, sql: &str) -> anyhow::Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

fn must<T, E: Into<anyhow::Error>>(result: Result<T, E>) -> T {
    result.map_err(Into::into).unwrap_or_else(|error| panic!("preparing a test database: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_table(url: &str) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move { execute(&mut connect(url).await, "create table t (n int)").await })
    }

    fn a_row(url: &str) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move { execute(&mut connect(url).await, "insert into t values (7)").await })
    }

    async fn rows(database: &Database) -> i64 {
        sqlx::query_scalar("select count(*) from t").fetch_one(&mut database.connect().await).await.unwrap()
    }

    async fn exists(name: &str) -> bool {
        let mut connection = connect(&server().await.database_url).await;
        let exists = sqlx::query_scalar("select exists (select from pg_database where datname = $1)");
        exists.bind(name).fetch_one(&mut connection).await.unwrap()
    }

    #[tokio::test]
    async fn a_fresh_database_has_every_table_of_the_service() {
        let database = Database::fresh().await;
        let found =
            "select to_regclass('usher.sagas') is not null and to_regclass('booking.tokens') is not null";
        let found: bool = sqlx::query_scalar(found).fetch_one(&mut database.connect().await).await.unwrap();
        assert!(found);
    }

    #[tokio::test]
    async fn each_copy_is_migrated_and_its_own_and_goes_when_dropped() {
        let template = Template::prepare(&[a_table, a_row]).await;
        let (one, other) = tokio::join!(template.copy(), template.copy());
        must(a_row(one.url()).await);
        assert_eq!((rows(&one).await, rows(&other).await), (2, 1));

        let still_connected = other.connect().await;
        let name = other.name.clone();
        drop(other);
        assert!(!exists(&name).await);
        assert!(exists(&one.name).await);
        drop(still_connected);
    }

    #[tokio::test]
    async fn a_database_whose_sessions_deadlocked_is_told_of() {
        let database = Template::prepare(&[a_table, a_row]).await.copy().await;
        let (mut one, mut other) = (database.connect().await, database.connect().await);
        must(execute(&mut one, "insert into t values (8)").await);
        for (connection, own) in [(&mut one, 7), (&mut other, 8)] {
            must(execute(connection, &format!("begin; update t set n = n where n = {own}")).await);
        }
        let crossed = tokio::join!(
            execute(&mut one, "update t set n = n where n = 8"),
            execute(&mut other, "update t set n = n where n = 7"),
        );
        assert!(crossed.0.is_err() != crossed.1.is_err(), "one of them goes on");
        assert_eq!(must(end(&database.name, &database.maintenance_url).await), 1);
    }

    #[tokio::test]
    async fn what_a_killed_process_left_long_ago_is_swept() {
        let mut connection = connect(&server().await.database_url).await;
        let abandoned = format!("{PREFIX}1000_1_1");
        must(execute(&mut connection, &format!("create database {abandoned}")).await);
        let young = Template::prepare(&[]).await.copy().await;
        assert!(!exists(&abandoned).await);
        assert!(exists(&young.name).await);
    }

    #[test]
    fn the_user_is_replaced_where_no_password_is_wanted() {
        let cases = [
            ("postgres://u@h:1/db", "postgres://x@h:1/db"),
            ("postgres://u:secret@h/db", "postgres://u:secret@h/db"),
            ("postgres://h/db", "postgres://h/db"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_user(url, "x"), expected);
        }
    }

    #[test]
    fn the_database_is_replaced_and_nothing_else() {
        let cases = [
            ("postgres://u@h:1/db", "postgres://u@h:1/x"),
            ("postgres://u@h:1", "postgres://u@h:1/x"),
            ("postgres://u@h/db?sslmode=disable", "postgres://u@h/x?sslmode=disable"),
        ];
        for (url, expected) in cases {
            assert_eq!(with_database(url, "x"), expected);
        }
    }
}

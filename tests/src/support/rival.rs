//! A rival: somebody else on the database who locks what nodes need. Another node, a person in psql, a migration.
//!
//! It has a connection of its own and takes one lock, or those rows of one table that nobody has locked. It waits for
//! nothing while it holds a lock, so it never causes a deadlock. It releases its locks when it is told to, when it is
//! dropped, and when it has been silent for [`SILENT_MAX`], whatever became of its process.

use anyhow::Context;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};
use std::{fmt, time::Duration};
use uuid::Uuid;

/// Longer than three leases of any test.
pub const SILENT_MAX: Duration = Duration::from_secs(60);
/// How long a rival itself waits for a lock. Nodes commit within milliseconds; what takes longer is held by another rival.
const TAKE_MAX: Duration = Duration::from_secs(2);

/// What a rival locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prey {
    /// One row `for update`.
    Row(&'static str, Uuid),
    /// So many busy rows of a table `for update`, chosen by a seed: rows that a node may want to lock.
    Rows(&'static str, u16, u64),
    /// A whole table, so that it can be read and not written.
    Writes(&'static str),
    /// A whole table.
    Table(&'static str),
}

/// A rival that holds something.
#[derive(Debug)]
pub struct Rival {
    connection: PgConnection,
    /// How many rows it has locked; 0 if it has locked a table.
    pub rows: u64,
}

/// Rows that a node may want to lock: the table, and which of them.
const BUSY: &[(&str, &str)] = &[
    ("usher.sagas", "state not in ('completed', 'unwound')"),
    ("booking.seats", "status <> 'AVAILABLE'"),
    ("booking.reservations", "status = 'PENDING'"),
    ("booking.payments", "status in ('INITIATED', 'SUCCESS')"),
];

impl Rival {
    /// Takes its prey on the database of this URL.
    ///
    /// # Errors
    /// No connection, or somebody else has the lock for too long.
    pub async fn take(url: &str, prey: &Prey) -> anyhow::Result<Self> {
        let options: PgConnectOptions = url.parse().context("reading the database's URL")?;
        let bounds = [
            ("lock_timeout", TAKE_MAX.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", SILENT_MAX.as_millis().to_string()),
        ];
        let options = options.application_name("rival").options(bounds);
        let mut connection = options.connect().await.context("connecting as a rival")?;
        sqlx::raw_sql("begin").execute(&mut connection).await.context("beginning as a rival")?;
        let lock = sqlx::raw_sql(AssertSqlSafe(prey.statement()));
        let locked = lock.execute(&mut connection).await.with_context(|| format!("taking {prey}"))?;
        Ok(Self { connection, rows: locked.rows_affected() })
    }

    /// Releases its locks.
    pub async fn release(self) {
        // If the server is gone, so are the locks.
        let _ = self.connection.close().await;
    }
}

impl Prey {
    fn statement(&self) -> String {
        match self {
            Self::Row(table, id) => format!("select 1 from {table} where id = '{id}' for update"),
            Self::Rows(table, count, seed) => {
                let busy = BUSY.iter().find(|(known, _)| known == table).map_or("true", |(_, busy)| busy);
                format!(
                    "with chosen as materialized (
                        select id, bucket from {table} where {busy}
                        order by md5(id::text || '{seed}') limit {count}
                    )
                    select 1 from {table} prey
                    where (prey.id, prey.bucket) in (select id, bucket from chosen)
                    order by prey.id, prey.bucket
                    for update skip locked"
                )
            }
            Self::Writes(table) => format!("lock table {table} in share row exclusive mode"),
            Self::Table(table) => format!("lock table {table} in access exclusive mode"),
        }
    }
}

impl fmt::Display for Prey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(table, id) => write!(f, "row {id} of {table}"),
            Self::Rows(table, count, _) => write!(f, "{count} busy rows of {table}"),
            Self::Writes(table) => write!(f, "the writes of {table}"),
            Self::Table(table) => write!(f, "the table {table}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Database;

    /// Whether somebody else gets this at once.
    async fn is_free(database: &Database, prey: &Prey, rows: u64) -> bool {
        let mut other = database.connect().await;
        sqlx::raw_sql("set lock_timeout = '50ms'; begin").execute(&mut other).await.unwrap();
        let locked = sqlx::raw_sql(AssertSqlSafe(prey.statement())).execute(&mut other).await;
        locked.is_ok_and(|locked| locked.rows_affected() == rows)
    }

    #[tokio::test]
    async fn a_rival_holds_rows_and_tables_until_it_lets_go() {
        let database = Database::fresh().await;
        let users = "insert into booking.users (id, bucket, name, email, created_at)
            select gen_random_uuid(), number % 4, 'Ada', number || '@example.org', now() from generate_series(1, 9) number";
        sqlx::raw_sql(users).execute(&mut database.connect().await).await.unwrap();
        for (prey, rows) in [
            (Prey::Rows("booking.users", 9, 7), 9),
            (Prey::Writes("usher.sagas"), 0),
            (Prey::Table("booking.payments"), 0),
        ] {
            let rival = Rival::take(database.url(), &prey).await.unwrap();
            assert_eq!(rival.rows, rows, "{prey}");
            assert!(!is_free(&database, &prey, rows).await, "{prey}");
            rival.release().await;
            assert!(is_free(&database, &prey, rows).await, "{prey}");
        }
    }

    #[tokio::test]
    async fn every_table_of_busy_rows_is_there_and_two_rivals_do_not_wait_for_ever() {
        let database = Database::fresh().await;
        for (table, _) in BUSY {
            Rival::take(database.url(), &Prey::Rows(table, 3, 1)).await.unwrap();
        }
        let first = Rival::take(database.url(), &Prey::Table("usher.sagas")).await.unwrap();
        let second = Rival::take(database.url(), &Prey::Table("usher.sagas")).await;
        assert!(second.is_err(), "the second gives up");
        first.release().await;
    }
}

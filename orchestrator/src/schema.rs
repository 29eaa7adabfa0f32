//! The engine's tables: applies the migrations, and makes the journal's partitions ahead of time.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc, Weekday};
use sqlx::{PgConnection, migrate::Migrator};

/// How many weeks of journal partitions exist ahead of now.
const WEEKS_AHEAD: i64 = 4;

/// Applies only the engine's migrations. Two migrators at the same time wait for each other.
pub async fn migrate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut migrator: Migrator = sqlx::migrate!("../migrations/engine");
    migrator.create_schema("usher");
    migrator.dangerous_set_table_name("usher.migrations");
    // This binary also serves a database that has newer migrations.
    migrator.set_ignore_missing(true);
    // The second migrator waits for the first, and a migration may take long.
    sqlx::raw_sql("set lock_timeout = 0; set statement_timeout = 0").execute(&mut *connection).await?;
    migrator
        .run_direct(None, connection, false)
        .await
        .map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
    create_partitions(connection, Utc::now()).await
}

/// Whether this database has every migration that this binary knows.
pub async fn is_migrated(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let known = sqlx::migrate!("../migrations/engine").iter().map(|migration| migration.version).max();
    let table: Option<String> = sqlx::query_scalar("select to_regclass('usher.migrations')::text")
        .fetch_one(&mut *connection)
        .await?;
    if table.is_none() {
        return Ok(false);
    }
    let applied: Option<i64> = sqlx::query_scalar("select max(version) from usher.migrations where success")
        .fetch_one(connection)
        .await?;
    Ok(applied >= known)
}

/// A week of journals.
#[derive(Clone, Copy)]
pub(crate) struct Week {
    pub monday: NaiveDate,
    pub end: DateTime<Utc>,
}

impl Week {
    fn of(monday: NaiveDate) -> Self {
        let end = (monday + Duration::weeks(1)).and_hms_opt(0, 0, 0).expect("every day has a midnight");
        Self { monday, end: end.and_utc() }
    }

    /// The week whose journals are in the table with this name.
    fn of_table(name: &str) -> Option<Self> {
        let (year, week) = name.strip_prefix("journal_")?.split_once('w')?;
        let monday = NaiveDate::from_isoywd_opt(year.parse().ok()?, week.parse().ok()?, Weekday::Mon)?;
        Some(Self::of(monday))
    }
}

/// The weeks that have a partition, oldest first.
pub(crate) async fn weeks_of(connection: &mut PgConnection) -> Result<Vec<Week>, sqlx::Error> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'usher.journal'::regclass order by c.relname",
    )
    .fetch_all(connection)
    .await?;
    Ok(tables.iter().filter_map(|table| Week::of_table(table)).collect())
}

/// Makes the journal's partitions for this week and the next ones. A week of sagas is later removed by dropping one table.
///
/// It calls a function that runs as the tables' owner, so that a node needs no right to make tables.
pub async fn create_partitions(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let monday = now.date_naive() - Duration::days(now.weekday().num_days_from_monday().into());
    for week in 0..WEEKS_AHEAD {
        // Each week is one statement and one transaction, so nobody waits for all of them.
        sqlx::query!("select usher.create_journal_week($1)", monday + Duration::weeks(week))
            .fetch_one(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Drops a week's partition. False if one of its sagas is still there.
pub(crate) async fn drop_partition(connection: &mut PgConnection, week: Week) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"select usher.drop_journal_week($1) as "dropped!""#, week.monday)
        .fetch_one(connection)
        .await
}

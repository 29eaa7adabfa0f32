//! The engine's tables: applying them, and keeping the journal's partitions ahead of time.

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection, migrate::Migrator};
use uuid::Uuid;

/// How many weeks of journal partitions exist ahead of now.
const WEEKS_AHEAD: i64 = 4;

/// Applies the engine's migrations, alone. Two migrators at once wait for each other.
pub async fn migrate(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let mut migrator: Migrator = sqlx::migrate!("../migrations/engine");
    migrator.create_schema("usher");
    migrator.dangerous_set_table_name("usher.migrations");
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

/// Makes the journal's partitions for this week and the next ones: a week of sagas leaves by dropping one table.
pub async fn create_partitions(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let monday = now.date_naive() - Duration::days(now.weekday().num_days_from_monday().into());
    for week in 0..WEEKS_AHEAD {
        let from = monday + Duration::weeks(week);
        let statement = format!(
            "create table if not exists usher.journal_{}w{:02} partition of usher.journal for values from ('{}') to ('{}')",
            from.iso_week().year(),
            from.iso_week().week(),
            first_id_of(from),
            first_id_of(from + Duration::weeks(1)),
        );
        let mut tx = Connection::begin(&mut *connection).await?;
        // Two nodes may do this at once; `if not exists` alone would let them collide in the catalogue.
        sqlx::query("select pg_advisory_xact_lock(hashtextextended('usher.journal partitions', 0))")
            .execute(&mut *tx)
            .await?;
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The smallest UUID whose UUIDv7 time is the start of this day.
fn first_id_of(day: NaiveDate) -> Uuid {
    let midnight = day.and_hms_opt(0, 0, 0).expect("every day has a midnight").and_utc();
    Uuid::from_u128((midnight.timestamp_millis() as u128) << 80)
}

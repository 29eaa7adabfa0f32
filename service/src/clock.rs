//! The database's time: the only one that decides.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The time of the statement.
///
/// # Errors
/// The database failed.
pub async fn now(connection: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select statement_timestamp() as "now!""#).fetch_one(connection).await
}

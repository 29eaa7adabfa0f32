//! The API's own statements; those that it shares with the steps live in `steps::store`.
//!
//! One module a table, one statement a function, and nothing that begins or commits.

pub mod idempotency;
pub mod seats;
pub mod tokens;
pub mod users;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The database's time: the only one that decides.
///
/// # Errors
/// The database's.
pub async fn now(connection: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!(r#"select statement_timestamp() as "now!""#).fetch_one(connection).await
}

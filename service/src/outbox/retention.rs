//! Deletes old messages together with their deliveries.

use super::store::upkeep;
use chrono::{DateTime, Utc};
use orchestrator::retire_messages;
use sqlx::PgConnection;

/// Deletes at most `most` deliveries of messages that were decided before `before`; once none is left, as many messages.
/// Returns how many rows it deleted: if there were fewer than `most`, nothing old is left.
///
/// # Errors
/// The database failed.
pub async fn delete_old(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = upkeep::delete_old(connection, before, most).await?;
    if gone >= most.unsigned_abs() {
        return Ok(gone);
    }
    retire_messages(connection, before, most).await
}

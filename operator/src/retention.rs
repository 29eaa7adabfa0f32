//! Removes old batches and proposals.

use crate::store::{batches, proposals};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

/// How long batches and proposals are kept. What they did stays in the audit.
const OPERATIONS_KEPT: TimeDelta = TimeDelta::days(90);
/// The most batches, with their items, that one run removes; the same number of proposals.
const OPERATIONS_MAX: i64 = 20;
const PROPOSALS_MAX: i64 = 5_000;

/// Removes batches and proposals that have ended and are old.
pub(crate) async fn retire_operations(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    batches::delete_old(connection, now - OPERATIONS_KEPT, OPERATIONS_MAX).await?;
    proposals::delete_old(connection, now - OPERATIONS_KEPT, PROPOSALS_MAX).await?;
    Ok(())
}

//! Letting old batches and proposals go.

use crate::store::{batches, proposals};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;

/// How long batches and proposals can still be looked at. What they did stays in the audit.
const OPERATIONS_KEPT: TimeDelta = TimeDelta::days(90);
/// Batches, each with its items, that one run takes away; and proposals.
const OPERATIONS_MAX: i64 = 20;
const PROPOSALS_MAX: i64 = 5_000;

/// Removes batches and proposals that are old and over.
pub(crate) async fn retire_operations(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    batches::delete_old(connection, now - OPERATIONS_KEPT, OPERATIONS_MAX).await?;
    proposals::delete_old(connection, now - OPERATIONS_KEPT, PROPOSALS_MAX).await?;
    Ok(())
}

//! Statements of the jobs.

use sqlx::PgConnection;
use std::time::Duration;

/// Counts news that was not acted on within its bound, as `usher verify` does, through a small partial index.
pub async fn count_parked(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from booking.inbox
           where (state = 'PENDING' and received_at < now() - interval '5 minutes')
              or (state = 'UNMATCHED' and received_at < now() - interval '24 hours')"#,
    )
    .fetch_one(connection)
    .await
}

/// Deletes at most `rows_max` idempotency keys that are older than `kept`. Returns how many it deleted.
pub async fn delete_old_keys(
    connection: &mut PgConnection,
    kept: Duration,
    rows_max: i64,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "delete from booking.idempotency_keys
         where (principal, key, bucket) in (
             select principal, key, bucket
             from booking.idempotency_keys
             where created_at <= now() - $1 * interval '1 second'
             limit $2
         )",
        kept.as_secs_f64(),
        rows_max,
    )
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}

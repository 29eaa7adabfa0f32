//! What the jobs count.

use sqlx::PgConnection;

/// How many sagas are in trouble.
#[derive(Clone, Copy, Debug)]
pub struct Troubled {
    /// They need a person.
    pub stuck: i64,
    /// They are due for more than a minute; counted to a bound.
    pub overdue: i64,
}

/// Counts sagas in trouble, by two small partial indexes.
pub async fn count_troubled(connection: &mut PgConnection) -> Result<Troubled, sqlx::Error> {
    sqlx::query_as!(
        Troubled,
        r#"select
             (select count(*) from usher.sagas where state = 'stuck') as "stuck!",
             (select count(*) from (
                 select from usher.sagas where due_at < now() - interval '1 minute' and not paused limit 10000
              ) as late) as "overdue!""#,
    )
    .fetch_one(connection)
    .await
}

/// Counts news that was not acted on within its bound, as `usher verify` has it; by a small partial index.
pub async fn count_parked(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from booking.inbox
           where (state = 'PENDING' and received_at < now() - interval '5 minutes')
              or (state = 'UNMATCHED' and received_at < now() - interval '24 hours')"#,
    )
    .fetch_one(connection)
    .await
}

//! `booking.deliveries` as a whole: counts, what people do to deliveries that were given up, and deletion.

use crate::outbox::SubscriptionId;
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use sqlx::PgConnection;
use uuid::Uuid;

/// Deletes at most `most` deliveries to a subscription. Returns how many.
pub async fn delete_of(
    connection: &mut PgConnection,
    subscription: SubscriptionId,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from booking.deliveries
         where (saga_id, bucket, position, ordinal, subscription_id) in (
             select saga_id, bucket, position, ordinal, subscription_id
             from booking.deliveries
             where subscription_id = $1 and due_at is not null
             limit $2
         )",
        subscription.uuid(),
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes at most `most` deliveries of messages that were decided before `before`, whether delivered or not. Returns how many.
pub async fn delete_old(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    // Ids are in order of time, so the oldest sagas' deliveries come first in the primary key.
    let first_saga = Uuid::from_u128(u128::from(before.timestamp_millis().unsigned_abs()) << 80);
    let gone = sqlx::query!(
        r#"
        delete from booking.deliveries
        where (saga_id, bucket, position, ordinal, subscription_id) in (
            select saga_id, bucket, position, ordinal, subscription_id
            from booking.deliveries
            where saga_id < $1 and decided_at < $2
            order by saga_id
            limit $3
            for update skip locked
        )
        "#,
        first_saga,
        before,
        most,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

/// Makes deliveries of a saga's messages due again that were given up: all, or those of one position. Returns how many.
pub async fn resend(
    connection: &mut PgConnection,
    saga: SagaId,
    position: Option<i32>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "update booking.deliveries set failed_at = null, due_at = now()
         where saga_id = $1 and bucket = $2 and ($3::integer is null or position = $3) and failed_at is not null",
        saga.uuid(),
        saga.bucket().number(),
        position,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes deliveries of a saga's messages that were given up. Returns how many.
pub async fn forget(
    connection: &mut PgConnection,
    saga: SagaId,
    position: Option<i32>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "delete from booking.deliveries
         where saga_id = $1 and bucket = $2 and ($3::integer is null or position = $3) and failed_at is not null",
        saga.uuid(),
        saga.bucket().number(),
        position,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The deliveries of all subscriptions, counted to a bound.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Deliveries that wait, of enabled subscriptions; at most ten thousand of each are counted.
    pub waiting: i64,
    /// Seconds since the oldest of them was decided; zero if none waits.
    pub oldest_s: f64,
    /// Deliveries that were given up, of all subscriptions; at most ten thousand are counted.
    pub given_up: i64,
}

/// Counts the deliveries that wait and those that were given up.
pub async fn count(connection: &mut PgConnection) -> Result<Standing, sqlx::Error> {
    sqlx::query_as!(
        Standing,
        r#"
        with waiting as (
            select d.decided_at
            from booking.subscriptions s
            cross join lateral (
                select decided_at from booking.deliveries
                where subscription_id = s.id and due_at is not null
                limit 10000
            ) as d
            where s.disabled_at is null
        )
        select (select count(*) from waiting) as "waiting!",
               coalesce(extract(epoch from now() - (select min(decided_at) from waiting)), 0)::float8 as "oldest_s!",
               (select count(*) from (
                   select from booking.deliveries d
                   where d.failed_at is not null
                     and exists (select from booking.subscriptions s where s.id = d.subscription_id)
                   limit 10000
                ) as failed) as "given_up!"
        "#,
    )
    .fetch_one(connection)
    .await
}

//! `booking.deliveries`: each message on its way to each subscription.

use super::{Columns, MessageKey};
use crate::outbox::SubscriptionId;
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use std::time::Duration;
use uuid::Uuid;

/// A message on its way to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// Which message.
    pub message: MessageKey,
    /// To whom.
    pub subscription: SubscriptionId,
}

/// A delivery that is ours to attempt until its lease ends.
#[derive(Debug)]
pub struct Claimed {
    /// Which.
    pub key: DeliveryKey,
    /// This attempt, from 1.
    pub attempt: i32,
    /// The message's type.
    pub kind: String,
    /// Its data.
    pub payload: Box<RawValue>,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
}

/// What became of an attempt.
#[derive(Debug)]
pub struct Attempted {
    /// Which.
    pub key: DeliveryKey,
    /// The attempt, as it was claimed.
    pub attempt: i32,
    /// None if it arrived; else what went wrong, and after how long to try again.
    pub failed: Option<(String, Duration)>,
}

/// Deliveries that are due, oldest first, at most `mosts[i]` for the subscription `ids[i]`. Of one saga's messages to one
/// subscription only the first that is not settled.
pub async fn list_due(
    connection: &mut PgConnection,
    wanted: &[(SubscriptionId, DateTime<Utc>, i64)],
) -> Result<Vec<DeliveryKey>, sqlx::Error> {
    let ids: Vec<Uuid> = wanted.iter().map(|(id, ..)| id.uuid()).collect();
    let sinces: Vec<DateTime<Utc>> = wanted.iter().map(|(_, since, _)| *since).collect();
    let mosts: Vec<i64> = wanted.iter().map(|(.., most)| *most).collect();
    let rows = sqlx::query!(
        r#"
        select due.saga_id, due.position, due.ordinal, s.id as "subscription!: SubscriptionId"
        from unnest($1::uuid[], $2::timestamptz[], $3::bigint[]) as s (id, since, most)
        cross join lateral (
            select d.saga_id, d.position, d.ordinal
            from booking.deliveries d
            where d.subscription_id = s.id and d.due_at <= now()
              -- An earlier one is on its way, or about to be.
              and not exists (
                  select from booking.deliveries e
                  where e.saga_id = d.saga_id and e.bucket = d.bucket
                    and (e.position, e.ordinal) < (d.position, d.ordinal)
                    and e.subscription_id = d.subscription_id and e.due_at is not null
              )
              and not exists (
                  select from usher.outbox m
                  where m.saga_id = d.saga_id and m.bucket = d.bucket
                    and (m.position, m.ordinal) < (d.position, d.ordinal)
                    and m.delivered_at is null and m.created_at > s.since
              )
            order by d.due_at
            limit s.most
        ) as due
        "#,
        &ids,
        &sinces,
        &mosts,
    )
    .fetch_all(connection)
    .await?;
    let key = |saga_id, position, ordinal| MessageKey::of(saga_id, position, ordinal);
    Ok(rows
        .into_iter()
        .map(|row| DeliveryKey {
            message: key(row.saga_id, row.position, row.ordinal),
            subscription: row.subscription,
        })
        .collect())
}

/// Claims those of these deliveries that are still due, until a lease ends. What somebody else claims is left out.
pub async fn claim(
    connection: &mut PgConnection,
    keys: &[DeliveryKey],
    lease: Duration,
) -> Result<Vec<Claimed>, sqlx::Error> {
    let columns: Columns = keys.iter().map(|key| &key.message).collect();
    let subscriptions: Vec<Uuid> = keys.iter().map(|key| key.subscription.uuid()).collect();
    let rows = sqlx::query!(
        r#"
        with free as materialized (
            select d.saga_id, d.bucket, d.position, d.ordinal, d.subscription_id, m.kind, m.payload
            from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::uuid[])
                as wanted (saga_id, bucket, position, ordinal, subscription_id)
            join booking.deliveries d using (saga_id, bucket, position, ordinal, subscription_id)
            join usher.outbox m using (saga_id, bucket, position, ordinal)
            where d.due_at <= now()
            order by d.saga_id, d.bucket, d.position, d.ordinal, d.subscription_id
            for update of d skip locked
        )
        update booking.deliveries d
        set due_at = now() + $6 * interval '1 second', attempts = d.attempts + 1
        from free f
        where d.saga_id = f.saga_id and d.bucket = f.bucket and d.position = f.position and d.ordinal = f.ordinal
          and d.subscription_id = f.subscription_id
        returning d.saga_id, d.position, d.ordinal, d.subscription_id as "subscription: SubscriptionId", d.attempts,
                  d.decided_at, f.kind, f.payload as "payload: Json<Box<RawValue>>"
        "#,
        &columns.sagas,
        &columns.buckets,
        &columns.positions,
        &columns.ordinals,
        &subscriptions,
        lease.as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Claimed {
            key: DeliveryKey {
                message: MessageKey::of(row.saga_id, row.position, row.ordinal),
                subscription: row.subscription,
            },
            attempt: row.attempts,
            kind: row.kind,
            payload: row.payload.0,
            decided_at: row.decided_at,
        })
        .collect())
}

/// Writes down what became of attempts; gives those that were given up, because they were decided longer than
/// `given_up_after` ago. An attempt whose lease went to somebody else counts no more.
pub async fn settle(
    connection: &mut PgConnection,
    attempts: &[Attempted],
    given_up_after: Duration,
) -> Result<Vec<DeliveryKey>, sqlx::Error> {
    let columns: Columns = attempts.iter().map(|attempted| &attempted.key.message).collect();
    let subscriptions: Vec<Uuid> =
        attempts.iter().map(|attempted| attempted.key.subscription.uuid()).collect();
    let numbers: Vec<i32> = attempts.iter().map(|attempted| attempted.attempt).collect();
    let failed = || attempts.iter().map(|attempted| attempted.failed.as_ref());
    let errors: Vec<Option<String>> = failed().map(|failed| Some(failed?.0.clone())).collect();
    let waits: Vec<Option<f64>> = failed().map(|failed| Some(failed?.1.as_secs_f64())).collect();
    let rows = sqlx::query!(
        r#"
        with ended as materialized (
            select w.*, w.error is not null and d.decided_at < now() - $9 * interval '1 second' as given_up
            from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::uuid[], $6::integer[], $7::text[],
                        $8::float8[])
                as w (saga_id, bucket, position, ordinal, subscription_id, attempt, error, wait_s)
            join booking.deliveries d using (saga_id, bucket, position, ordinal, subscription_id)
            where d.attempts = w.attempt and d.due_at is not null
            order by d.saga_id, d.bucket, d.position, d.ordinal, d.subscription_id
            for update of d
        )
        update booking.deliveries d
        set due_at = case when e.error is not null and not e.given_up then now() + e.wait_s * interval '1 second' end,
            delivered_at = case when e.error is null then clock_timestamp() end,
            failed_at = case when e.given_up then now() end,
            last_error = coalesce(e.error, d.last_error)
        from ended e
        where d.saga_id = e.saga_id and d.bucket = e.bucket and d.position = e.position and d.ordinal = e.ordinal
          and d.subscription_id = e.subscription_id
        returning d.saga_id, d.position, d.ordinal, d.subscription_id as "subscription: SubscriptionId",
                  d.failed_at is not null as "given_up!"
        "#,
        &columns.sagas,
        &columns.buckets,
        &columns.positions,
        &columns.ordinals,
        &subscriptions,
        &numbers,
        &errors as &[Option<String>],
        &waits as &[Option<f64>],
        given_up_after.as_secs_f64(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.given_up)
        .map(|row| DeliveryKey {
            message: MessageKey::of(row.saga_id, row.position, row.ordinal),
            subscription: row.subscription,
        })
        .collect())
}

/// Deletes at most `most` deliveries to a subscription; gives how many.
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

/// Makes deliveries of a saga's messages due that were given up, all or those of one position; says how many.
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

/// Deletes deliveries of a saga's messages that were given up; says how many.
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

/// How deliveries stand, of the subscriptions that are sent to.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Messages waiting, to a bound of ten thousand.
    pub waiting: i64,
    /// Seconds since the oldest of them was decided; zero if there is none.
    pub oldest_s: f64,
    /// Given up, to the same bound.
    pub given_up: i64,
}

/// Counts what waits.
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

//! `booking.deliveries`: each message on its way to each subscription.

use super::{Columns, key, subscriptions::Active};
use crate::outbox::SubscriptionId;
use chrono::{DateTime, Utc};
use orchestrator::outbox::{Message, MessageKey};
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// A message on its way to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// The message's id.
    pub message: MessageKey,
    /// The subscription.
    pub subscription: SubscriptionId,
}

/// A delivery that is ours to attempt until its lease ends.
#[derive(Clone, Copy, Debug)]
pub struct Claimed {
    /// The message and the subscription.
    pub key: DeliveryKey,
    /// The number of this attempt, from 1.
    pub attempt: i32,
}

/// The result of an attempt.
#[derive(Debug)]
pub struct Attempted {
    /// The delivery.
    pub key: DeliveryKey,
    /// The number of the attempt that was claimed.
    pub attempt: i32,
    /// `None` if it arrived; otherwise the error, and how long to wait before the next attempt.
    pub failed: Option<(String, Duration)>,
}

/// Makes a delivery of each message for each subscription that wants it. Existing deliveries stay as they are.
pub async fn insert(
    connection: &mut PgConnection,
    messages: &[Message],
    audience: &[Active],
) -> Result<(), sqlx::Error> {
    let columns: Columns = messages.iter().map(|message| &message.key).collect();
    let kinds: Vec<&str> = messages.iter().map(|message| message.kind.as_str()).collect();
    let decided: Vec<DateTime<Utc>> = messages.iter().map(|message| message.decided_at).collect();
    let (mut ids, mut sinces, mut types) = (Vec::new(), Vec::new(), Vec::<Option<&str>>::new());
    for subscription in audience {
        let all = [None];
        let wanted: Vec<_> = subscription.types.iter().map(|kind| Some(kind.as_str())).collect();
        for kind in if wanted.is_empty() { &all[..] } else { &wanted[..] } {
            ids.push(subscription.id.uuid());
            sinces.push(subscription.since);
            types.push(*kind);
        }
    }
    sqlx::query!(
        r#"
        insert into booking.deliveries (saga_id, bucket, position, ordinal, subscription_id, decided_at, due_at)
        select m.saga_id, m.bucket, m.position, m.ordinal, s.id, m.decided_at, now()
        from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::text[], $6::timestamptz[])
            as m (saga_id, bucket, position, ordinal, kind, decided_at)
        join unnest($7::uuid[], $8::timestamptz[], $9::text[]) as s (id, since, kind)
            on m.decided_at > s.since and (s.kind is null or s.kind = m.kind)
        on conflict do nothing
        "#,
        &columns.sagas,
        &columns.buckets,
        &columns.positions,
        &columns.ordinals,
        &kinds as &[&str],
        &decided,
        &ids as &[Uuid],
        &sinces,
        &types as &[Option<&str>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deliveries that are due, oldest first, at most as many for each subscription as are asked for. Among one saga's messages
/// to one subscription only the first unsettled one is due. Messages are handed over in order, so no earlier one can still
/// appear.
pub async fn list_due(
    connection: &mut PgConnection,
    wanted: &[(SubscriptionId, i64)],
) -> Result<Vec<DeliveryKey>, sqlx::Error> {
    let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| id.uuid()).collect();
    let mosts: Vec<i64> = wanted.iter().map(|(_, most)| *most).collect();
    let rows = sqlx::query!(
        r#"
        select due.saga_id, due.position, due.ordinal, s.id as "subscription!: SubscriptionId"
        from unnest($1::uuid[], $2::bigint[]) as s (id, most)
        cross join lateral (
            select d.saga_id, d.position, d.ordinal
            from booking.deliveries d
            where d.subscription_id = s.id and d.due_at <= now()
              -- An earlier one is on its way.
              and not exists (
                  select from booking.deliveries e
                  where e.saga_id = d.saga_id and e.bucket = d.bucket
                    and (e.position, e.ordinal) < (d.position, d.ordinal)
                    and e.subscription_id = d.subscription_id and e.due_at is not null
              )
            order by d.due_at
            limit s.most
        ) as due
        "#,
        &ids,
        &mosts,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DeliveryKey {
            message: key(row.saga_id, row.position, row.ordinal),
            subscription: row.subscription,
        })
        .collect())
}

/// Claims the deliveries that are still due, until a lease ends. Deliveries that another node claims are left out.
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
            select d.saga_id, d.bucket, d.position, d.ordinal, d.subscription_id
            from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::uuid[])
                as wanted (saga_id, bucket, position, ordinal, subscription_id)
            join booking.deliveries d using (saga_id, bucket, position, ordinal, subscription_id)
            where d.due_at <= now()
            order by d.saga_id, d.bucket, d.position, d.ordinal, d.subscription_id
            for update of d skip locked
        )
        update booking.deliveries d
        set due_at = now() + $6 * interval '1 second', attempts = d.attempts + 1
        from free f
        where d.saga_id = f.saga_id and d.bucket = f.bucket and d.position = f.position and d.ordinal = f.ordinal
          and d.subscription_id = f.subscription_id
        returning d.saga_id, d.position, d.ordinal, d.subscription_id as "subscription: SubscriptionId", d.attempts
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
                message: key(row.saga_id, row.position, row.ordinal),
                subscription: row.subscription,
            },
            attempt: row.attempts,
        })
        .collect())
}

/// Records the results of attempts. Returns the deliveries that were given up, because they were decided longer than
/// `given_up_after` ago. The result of an attempt whose lease has gone to another node is ignored.
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
            message: key(row.saga_id, row.position, row.ordinal),
            subscription: row.subscription,
        })
        .collect())
}

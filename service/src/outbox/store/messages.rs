//! `usher.outbox`, read by those who deliver it.

use super::{Columns, MessageKey, subscriptions::Audience};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Messages that were not handed over yet, oldest first: what was decided after `from`, until `until`.
pub async fn list_waiting(
    connection: &mut PgConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    most: i64,
) -> Result<Vec<MessageKey>, sqlx::Error> {
    let rows = sqlx::query!(
        "select saga_id, position, ordinal
         from usher.outbox
         where delivered_at is null and created_at > $1 and created_at <= $2
         order by created_at
         limit $3",
        from,
        until,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| MessageKey::of(row.saga_id, row.position, row.ordinal)).collect())
}

/// Hands messages over: a delivery for each subscription that wants it. Those that somebody else hands over are left
/// out; gives how many there were.
pub async fn hand_over(
    connection: &mut PgConnection,
    keys: &[MessageKey],
    audience: &Audience,
) -> Result<u64, sqlx::Error> {
    let columns: Columns = keys.iter().collect();
    let (mut ids, mut sinces, mut types) = (Vec::new(), Vec::new(), Vec::<Option<String>>::new());
    for subscription in &audience.active {
        let wanted = if subscription.types.is_empty() {
            vec![None]
        } else {
            subscription.types.iter().cloned().map(Some).collect()
        };
        for wanted in wanted {
            ids.push(subscription.id.uuid());
            sinces.push(subscription.since);
            types.push(wanted);
        }
    }
    let handed = sqlx::query_scalar!(
        r#"
        with ready as materialized (
            select m.saga_id, m.bucket, m.position, m.ordinal, m.kind, m.created_at
            from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[])
                as wanted (saga_id, bucket, position, ordinal)
            join usher.outbox m using (saga_id, bucket, position, ordinal)
            where m.delivered_at is null
            order by m.saga_id, m.bucket, m.position, m.ordinal
            for update of m skip locked
        ),
        handed as (
            update usher.outbox m
            set delivered_at = now()
            from ready r
            where m.saga_id = r.saga_id and m.bucket = r.bucket and m.position = r.position and m.ordinal = r.ordinal
        ),
        made as (
            insert into booking.deliveries
                (saga_id, bucket, position, ordinal, subscription_id, decided_at, due_at)
            select r.saga_id, r.bucket, r.position, r.ordinal, s.id, r.created_at, now()
            from ready r
            join unnest($5::uuid[], $6::timestamptz[], $7::text[]) as s (id, since, kind)
                on r.created_at > s.since and (s.kind is null or s.kind = r.kind)
            on conflict do nothing
        )
        select count(*) as "handed!" from ready
        "#,
        &columns.sagas,
        &columns.buckets,
        &columns.positions,
        &columns.ordinals,
        &ids as &[Uuid],
        &sinces,
        &types as &[Option<String>],
    )
    .fetch_one(connection)
    .await?;
    Ok(handed.unsigned_abs())
}

/// Deletes at most `most` messages that were decided before `before`, with their deliveries.
pub async fn delete_old(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    // Ids are in order of time, so the oldest sagas' messages are the first of the primary key.
    let first_saga = Uuid::from_u128(u128::from(before.timestamp_millis().unsigned_abs()) << 80);
    let gone = sqlx::query_scalar!(
        r#"
        with gone as (
            delete from usher.outbox
            where (saga_id, bucket, position, ordinal) in (
                select saga_id, bucket, position, ordinal
                from usher.outbox
                where saga_id < $1 and created_at < $2
                order by saga_id
                limit $3
                for update skip locked
            )
            returning saga_id, bucket, position, ordinal
        ),
        deliveries as (
            delete from booking.deliveries d using gone
            where d.saga_id = gone.saga_id and d.bucket = gone.bucket
              and d.position = gone.position and d.ordinal = gone.ordinal
        )
        select count(*) as "gone!" from gone
        "#,
        first_saga,
        before,
        most,
    )
    .fetch_one(connection)
    .await?;
    Ok(gone.unsigned_abs())
}

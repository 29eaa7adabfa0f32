//! `usher.outbox` for people and for senders of messages, read without a lock.

use super::outbox::{Keys, Message, MessageKey, Raw};
use crate::SagaId;
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

/// A filter of messages. A field that is not given matches every message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Which<'a> {
    /// Only messages of these types; empty for all.
    pub kinds: &'a [String],
    /// Only messages of this saga.
    pub saga: Option<SagaId>,
}

impl Which<'_> {
    fn columns(&self) -> (Option<Uuid>, Option<i16>) {
        self.saga.map(|saga| (saga.uuid(), saga.bucket().number())).unzip()
    }
}

/// The messages with these keys, in any order. Deleted messages are missing.
///
/// # Errors
/// The database failed.
pub async fn read(connection: &mut PgConnection, keys: &[MessageKey]) -> Result<Vec<Message>, sqlx::Error> {
    let Keys { sagas, buckets, positions, ordinals } = keys.iter().collect();
    let rows = sqlx::query_as!(
        Raw,
        r#"
        select m.saga_id, m.position, m.ordinal, m.kind, m.payload as "payload: Json<Box<RawValue>>", m.created_at,
               m.delivered_at
        from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[])
            as wanted (saga_id, bucket, position, ordinal)
        join usher.outbox m using (saga_id, bucket, position, ordinal)
        "#,
        &sagas,
        &buckets,
        &positions,
        &ordinals,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// The first `most` messages of a saga, in order.
///
/// # Errors
/// The database failed.
pub async fn list_of(
    connection: &mut PgConnection,
    saga: SagaId,
    most: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Raw,
        r#"
        select saga_id, position, ordinal, kind, payload as "payload: Json<Box<RawValue>>", created_at, delivered_at
        from usher.outbox
        where saga_id = $1 and bucket = $2
        order by position, ordinal
        limit $3
        "#,
        saga.uuid(),
        saga.bucket().number(),
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// The last `most` messages, in order of time.
///
/// # Errors
/// The database failed.
pub async fn read_last(
    connection: &mut PgConnection,
    which: &Which<'_>,
    most: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let (saga, bucket) = which.columns();
    let rows = sqlx::query_as!(
        Raw,
        r#"
        select saga_id, position, ordinal, kind, payload as "payload: Json<Box<RawValue>>", created_at, delivered_at
        from usher.outbox
        where (cardinality($1::text[]) = 0 or kind = any($1))
          and ($2::uuid is null or (saga_id = $2 and bucket = $3))
        order by created_at desc, saga_id desc, position desc, ordinal desc
        limit $4
        "#,
        which.kinds,
        saga,
        bucket,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().rev().map(Message::from).collect())
}

/// A page of messages that were decided at `from` or later, in order of time; `after` is the last one of the previous page.
///
/// # Errors
/// The database failed.
pub async fn read_page(
    connection: &mut PgConnection,
    which: &Which<'_>,
    from: DateTime<Utc>,
    after: Option<(DateTime<Utc>, MessageKey)>,
    most: i64,
) -> Result<Vec<Message>, sqlx::Error> {
    let (saga, bucket) = which.columns();
    let (after_at, after) = after.unzip();
    let rows = sqlx::query_as!(
        Raw,
        r#"
        select saga_id, position, ordinal, kind, payload as "payload: Json<Box<RawValue>>", created_at, delivered_at
        from usher.outbox
        where (cardinality($1::text[]) = 0 or kind = any($1))
          and ($2::uuid is null or (saga_id = $2 and bucket = $3))
          and created_at >= $4
          and ($5::timestamptz is null or (created_at, saga_id, position, ordinal) > ($5, $6, $7, $8))
        order by created_at, saga_id, position, ordinal
        limit $9
        "#,
        which.kinds,
        saga,
        bucket,
        after_at.unwrap_or(from),
        after_at,
        after.map(|key| key.saga.uuid()),
        after.map(|key| key.position),
        after.map(|key| key.ordinal),
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

//! The outbox as people read it. The statements only look: nothing is locked.

use super::MessageKey;
use crate::outbox::SubscriptionId;
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

/// Which messages.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Of these types; empty for all.
    pub types: &'a [String],
    /// Of this saga.
    pub saga: Option<SagaId>,
}

/// A message.
#[derive(Clone, Debug)]
pub struct Written {
    /// Which.
    pub key: MessageKey,
    /// Its type.
    pub kind: String,
    /// Its data.
    pub payload: Box<RawValue>,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
}

/// A message that did not arrive.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// The message.
    pub message: Written,
    /// To whom.
    pub subscription: SubscriptionId,
    /// Where that is.
    pub url: String,
    /// How often it was tried.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was given up.
    pub failed_at: Option<DateTime<Utc>>,
}

/// The last ones, in order of time.
pub async fn read_last(
    connection: &mut PgConnection,
    wanted: &Wanted<'_>,
    most: i64,
) -> Result<Vec<Written>, sqlx::Error> {
    let (saga, bucket) = wanted.columns();
    let rows = sqlx::query!(
        r#"select saga_id, position, ordinal, kind, payload as "payload: Json<Box<RawValue>>", created_at
           from usher.outbox
           where (cardinality($1::text[]) = 0 or kind = any($1))
             and ($2::uuid is null or (saga_id = $2 and bucket = $3))
           order by created_at desc, saga_id desc, position desc, ordinal desc
           limit $4"#,
        wanted.types,
        saga,
        bucket,
        most,
    )
    .fetch_all(connection)
    .await?;
    let written = rows.into_iter().rev().map(|row| Written {
        key: MessageKey::of(row.saga_id, row.position, row.ordinal),
        kind: row.kind,
        payload: row.payload.0,
        decided_at: row.created_at,
    });
    Ok(written.collect())
}

/// A page of those that were decided at `from` or later, in order of time.
pub async fn read_page(
    connection: &mut PgConnection,
    wanted: &Wanted<'_>,
    from: DateTime<Utc>,
    after: Option<(DateTime<Utc>, MessageKey)>,
    most: i64,
) -> Result<Vec<Written>, sqlx::Error> {
    let (saga, bucket) = wanted.columns();
    let (after_at, after) = after.unzip();
    let rows = sqlx::query!(
        r#"select saga_id, position, ordinal, kind, payload as "payload: Json<Box<RawValue>>", created_at
           from usher.outbox
           where (cardinality($1::text[]) = 0 or kind = any($1))
             and ($2::uuid is null or (saga_id = $2 and bucket = $3))
             and created_at >= $4
             and ($5::timestamptz is null or (created_at, saga_id, position, ordinal) > ($5, $6, $7, $8))
           order by created_at, saga_id, position, ordinal
           limit $9"#,
        wanted.types,
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
    let written = rows.into_iter().map(|row| Written {
        key: MessageKey::of(row.saga_id, row.position, row.ordinal),
        kind: row.kind,
        payload: row.payload.0,
        decided_at: row.created_at,
    });
    Ok(written.collect())
}

/// Those decided at `from` or later that have failed at least once, or are late, and have not arrived; in order of time.
pub async fn read_undelivered(
    connection: &mut PgConnection,
    wanted: &Wanted<'_>,
    from: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Undelivered>, sqlx::Error> {
    let (saga, bucket) = wanted.columns();
    let rows = sqlx::query!(
        r#"select m.saga_id, m.position, m.ordinal, m.kind, m.payload as "payload: Json<Box<RawValue>>", m.created_at,
                  s.id as "subscription: SubscriptionId", s.url, d.attempts, d.last_error, d.failed_at
           from booking.subscriptions s
           join booking.deliveries d on d.subscription_id = s.id
           join usher.outbox m using (saga_id, position, ordinal)
           where m.bucket = d.bucket
             and (d.failed_at is not null
                  or (d.due_at is not null and (d.last_error is not null or d.decided_at < now() - interval '1 hour')))
             and (cardinality($1::text[]) = 0 or m.kind = any($1))
             and ($2::uuid is null or (m.saga_id = $2 and m.bucket = $3))
             and m.created_at >= $4
           order by m.created_at, m.saga_id, m.position, m.ordinal
           limit $5"#,
        wanted.types,
        saga,
        bucket,
        from,
        most,
    )
    .fetch_all(connection)
    .await?;
    let undelivered = rows.into_iter().map(|row| Undelivered {
        message: Written {
            key: MessageKey::of(row.saga_id, row.position, row.ordinal),
            kind: row.kind,
            payload: row.payload.0,
            decided_at: row.created_at,
        },
        subscription: row.subscription,
        url: row.url,
        attempts: row.attempts,
        last_error: row.last_error,
        failed_at: row.failed_at,
    });
    Ok(undelivered.collect())
}

impl Wanted<'_> {
    fn columns(&self) -> (Option<Uuid>, Option<i16>) {
        self.saga.map(|saga| (saga.uuid(), saga.bucket().number())).unzip()
    }
}

//! `booking.idempotency_keys`: what a client asked for under a key, and what it was answered.
//!
//! A key is claimed together with the id that the effect will have; the effect starts under that id, which
//! makes it safe to start again; then the answer is stored. A request that finds a claim whose time is up
//! completes it under the same id.

use crate::status::status;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// Whose key it is: the scope in which it means one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The token's subject.
    pub principal: String,
    /// What the client sent.
    pub key: String,
}

/// What a claim found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The key is ours: do it under this id, then [`answer`] or [`free`] it.
    Claimed {
        /// The id of the effect; that of an earlier claim if one was left behind.
        effect: Uuid,
        /// Whether an earlier request may have begun.
        resumed: bool,
    },
    /// The first request is still running.
    InProgress,
    /// The key was used for another request.
    Reused,
    /// It was answered: say it again.
    Answered(StoredAnswer),
}

/// An answer to be given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header, if there was one.
    pub location: Option<String>,
    /// The body, exactly.
    pub body: String,
}

/// Claims a key for `running`: long enough for a request, short enough to wait for after a crash.
///
/// # Errors
/// The database's.
pub async fn claim(
    connection: &mut PgConnection,
    key: &Key,
    request_hash: &[u8; 32],
    effect: Uuid,
    running: Duration,
    now: DateTime<Utc>,
) -> Result<Claim, StoreError> {
    let claimed = sqlx::query_scalar!(
        r#"
        insert into booking.idempotency_keys as k
            (principal, key, bucket, request_hash, effect_id, created_at, claimed_until)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (principal, key, bucket) do update
        set claimed_until = $7
        where k.state = 'CLAIMED' and k.claimed_until < $6 and k.request_hash = $4
        returning effect_id
        "#,
        key.principal,
        key.key,
        bucket(key),
        request_hash.as_slice(),
        effect,
        now,
        now + running,
    )
    .fetch_optional(&mut *connection)
    .await?;
    match claimed {
        Some(id) => Ok(Claim::Claimed { effect: id, resumed: id != effect }),
        None => read(connection, key, request_hash).await,
    }
}

async fn read(
    connection: &mut PgConnection,
    key: &Key,
    request_hash: &[u8; 32],
) -> Result<Claim, StoreError> {
    let row = sqlx::query!(
        r#"
        select request_hash = $4 as "same_request!", state as "state: KeyState", status, location, body
        from booking.idempotency_keys
        where principal = $1 and key = $2 and bucket = $3
        "#,
        key.principal,
        key.key,
        bucket(key),
        request_hash.as_slice(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(match row {
        None => Claim::InProgress, // freed between the two statements: the client may try again
        Some(row) if !row.same_request => Claim::Reused,
        Some(row) => match row.state {
            KeyState::Claimed => Claim::InProgress,
            KeyState::Answered => Claim::Answered(StoredAnswer {
                status: row.status.unwrap_or_default().unsigned_abs(),
                location: row.location,
                body: row.body.unwrap_or_default(),
            }),
        },
    })
}

status! {
    /// Where a key stands.
    KeyState {
        /// A request is running, or died.
        Claimed = "CLAIMED",
        /// It was answered.
        Answered = "ANSWERED",
    }
}

/// Stores the answer to a claimed key. Whoever answers first stays.
///
/// # Errors
/// The database's.
pub async fn answer(
    connection: &mut PgConnection,
    key: &Key,
    answer: &StoredAnswer,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update booking.idempotency_keys
        set state = 'ANSWERED', claimed_until = null, status = $4, location = $5, body = $6
        where principal = $1 and key = $2 and bucket = $3 and state = 'CLAIMED'
        "#,
        key.principal,
        key.key,
        bucket(key),
        i16::try_from(answer.status).unwrap_or(500),
        answer.location,
        answer.body,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Gives a claimed key back after a refusal without effect.
///
/// # Errors
/// The database's.
pub async fn free(connection: &mut PgConnection, key: &Key, effect: Uuid) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        delete from booking.idempotency_keys
        where principal = $1 and key = $2 and bucket = $3 and state = 'CLAIMED' and effect_id = $4
        "#,
        key.principal,
        key.key,
        bucket(key),
        effect,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets keys that were first used before `before`, at most `limit` of them; returns how many.
///
/// # Errors
/// The database's.
pub async fn forget(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        r#"
        delete from booking.idempotency_keys as k
        using (
            select principal, key, bucket from booking.idempotency_keys where created_at < $1 limit $2
        ) as old
        where k.principal = old.principal and k.key = old.key and k.bucket = old.bucket
        "#,
        before,
        limit,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

fn bucket(key: &Key) -> i16 {
    Bucket::of_key(&format!("{}/{}", key.principal, key.key)).number()
}

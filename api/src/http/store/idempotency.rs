//! `booking.idempotency_keys`: who claimed which key for what, and what was answered.

use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use sqlx::PgConnection;
use std::time::Duration;
use uuid::Uuid;

/// A caller's key.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Whose key it is.
    pub principal: String,
    /// The key.
    pub key: String,
}

/// A claim that was got.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// The id that the effect has or will have.
    pub effect_id: Uuid,
    /// Until when it is ours; also tells this claim from a later one of the same key.
    pub until: DateTime<Utc>,
}

/// What stands under a key that could not be claimed.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Of the request that the key belongs to.
    pub request_hash: Vec<u8>,
    /// The answer, once there is one: status, body, location.
    pub answer: Option<(i16, String, Option<String>)>,
}

impl Scope {
    fn bucket(&self) -> i16 {
        // U+0000 stands in neither, so two scopes can't be spelled alike.
        Bucket::of_key(&format!("{}\0{}", self.principal, self.key)).number()
    }
}

/// Claims a key that is free, whose claim by the same request was abandoned, or that is older than `kept`.
pub async fn claim(
    connection: &mut PgConnection,
    scope: &Scope,
    request_hash: &[u8],
    new_effect: Uuid,
    claimed_for: Duration,
    kept: Duration,
) -> Result<Option<Claim>, sqlx::Error> {
    sqlx::query_as!(
        Claim,
        r#"insert into booking.idempotency_keys as k
             (principal, key, bucket, request_hash, effect_id, created_at, state, claimed_until)
           values ($1, $2, $3, $4, $5, now(), 'CLAIMED', now() + $6 * interval '1 second')
           on conflict (principal, key, bucket) do update
           set request_hash = excluded.request_hash,
               effect_id = case when k.created_at <= now() - $7 * interval '1 second'
                                then excluded.effect_id else k.effect_id end,
               created_at = case when k.created_at <= now() - $7 * interval '1 second'
                                 then excluded.created_at else k.created_at end,
               state = 'CLAIMED',
               claimed_until = excluded.claimed_until,
               status = null,
               location = null,
               body = null
           where k.created_at <= now() - $7 * interval '1 second'
              or (k.state = 'CLAIMED' and k.claimed_until <= now() and k.request_hash = excluded.request_hash)
           returning effect_id, claimed_until as "until!""#,
        scope.principal,
        scope.key,
        scope.bucket(),
        request_hash,
        new_effect,
        claimed_for.as_secs_f64(),
        kept.as_secs_f64(),
    )
    .fetch_optional(connection)
    .await
}

/// What stands under a key.
pub async fn find(connection: &mut PgConnection, scope: &Scope) -> Result<Option<Standing>, sqlx::Error> {
    let row = sqlx::query!(
        "select request_hash, status, body, location
         from booking.idempotency_keys
         where principal = $1 and key = $2 and bucket = $3",
        scope.principal,
        scope.key,
        scope.bucket(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Standing {
        request_hash: row.request_hash,
        answer: row.status.zip(row.body).map(|(status, body)| (status, body, row.location)),
    }))
}

/// Stores the answer of a request that had an effect. The first answer stays: a claim that was taken over
/// meanwhile led to the same effect.
pub async fn answer(
    connection: &mut PgConnection,
    scope: &Scope,
    claim: &Claim,
    status: i16,
    body: &str,
    location: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.idempotency_keys
         set state = 'ANSWERED', claimed_until = null, status = $5, body = $6, location = $7
         where principal = $1 and key = $2 and bucket = $3 and effect_id = $4 and state = 'CLAIMED'",
        scope.principal,
        scope.key,
        scope.bucket(),
        claim.effect_id,
        status,
        body,
        location,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Frees the key of a request that surely had no effect, unless somebody took the claim over.
pub async fn release(connection: &mut PgConnection, scope: &Scope, claim: &Claim) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from booking.idempotency_keys
         where principal = $1 and key = $2 and bucket = $3 and state = 'CLAIMED' and claimed_until = $4",
        scope.principal,
        scope.key,
        scope.bucket(),
        claim.until,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Leaves a claim to the next request, which completes it under the same effect id.
pub async fn abandon(connection: &mut PgConnection, scope: &Scope, claim: &Claim) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.idempotency_keys
         set claimed_until = now()
         where principal = $1 and key = $2 and bucket = $3 and state = 'CLAIMED' and claimed_until = $4",
        scope.principal,
        scope.key,
        scope.bucket(),
        claim.until,
    )
    .execute(connection)
    .await?;
    Ok(())
}

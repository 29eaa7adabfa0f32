//! `booking.tokens`: bearer tokens by their hash. The token itself is shown once and kept nowhere.

use crate::UserId;
use crate::status::status;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

status! {
    /// What a token's bearer may do.
    Role {
        /// Books for itself.
        Customer = "customer",
        /// A program that books for users.
        Service = "service",
        /// Repairs sagas.
        Operator = "operator",
        /// Reads what operators see.
        Auditor = "auditor",
    }
}

/// Whose a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What it may do.
    pub role: Role,
    /// Its name: in audits, and as the scope of idempotency keys.
    pub subject: String,
    /// The user behind a customer; none for the others.
    pub user: Option<UserId>,
}

/// Stores a token by its hash. One that is there already stays as it is.
///
/// # Errors
/// The database's; a check violation if a customer has no user, or another role has one.
pub async fn insert(
    connection: &mut PgConnection,
    token: &str,
    principal: &Principal,
    expires_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (hash, bucket) = key(token);
    sqlx::query!(
        r#"
        insert into booking.tokens (hash, bucket, role, subject, user_id, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict do nothing
        "#,
        hash,
        bucket,
        principal.role.as_str(),
        principal.subject,
        principal.user.map(UserId::uuid),
        now,
        expires_at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whose this token is; `None` if it is unknown, expired or revoked. Asks the database for its time.
///
/// # Errors
/// The database's.
pub async fn find(connection: &mut PgConnection, token: &str) -> Result<Option<Principal>, StoreError> {
    let (hash, bucket) = key(token);
    let row = sqlx::query!(
        r#"
        select role as "role: Role", subject, user_id
        from booking.tokens
        where hash = $1
            and bucket = $2
            and revoked_at is null
            and (expires_at is null or expires_at > statement_timestamp())
        "#,
        hash,
        bucket,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Principal {
        role: row.role,
        subject: row.subject,
        user: row.user_id.map(UserId::from_uuid),
    }))
}

/// Revokes every token of a subject; returns how many were good until now.
///
/// # Errors
/// The database's.
pub async fn revoke_all(
    connection: &mut PgConnection,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update booking.tokens set revoked_at = $2 where subject = $1 and revoked_at is null",
        subject,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Tokens are random, so a plain hash is enough: there is nothing to guess.
fn key(token: &str) -> (Vec<u8>, i16) {
    let hash = Sha256::digest(token.as_bytes()).to_vec();
    let bucket = Bucket::of_key(&hex::encode(&hash)).number();
    (hash, bucket)
}

//! `booking.tokens`.

use super::super::auth::{Caller, Role, TokenHash};
use sqlx::PgPool;
use uuid::Uuid;

/// Who bears a token that is valid now.
pub async fn find(pool: &PgPool, hash: &TokenHash) -> Result<Option<Caller>, sqlx::Error> {
    let row = sqlx::query!(
        "select role, subject, user_id
         from booking.tokens
         where hash = $1 and bucket = $2 and revoked_at is null and (expires_at is null or expires_at > now())",
        hash.bytes(),
        hash.bucket().number(),
    )
    .fetch_optional(pool)
    .await?;
    // The table's CHECK knows the same four roles.
    Ok(row.and_then(|row| {
        Some(Caller { role: Role::of_name(&row.role)?, subject: row.subject, user: row.user_id })
    }))
}

/// Makes a token valid, for `valid_days` or for ever.
pub async fn insert(
    pool: &PgPool,
    hash: &TokenHash,
    role: Role,
    subject: &str,
    user: Option<Uuid>,
    valid_days: Option<i32>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into booking.tokens (hash, bucket, role, subject, user_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5, now(), now() + make_interval(days => $6))",
        hash.bytes(),
        hash.bucket().number(),
        role.as_str(),
        subject,
        user,
        valid_days,
    )
    .execute(pool)
    .await?;
    Ok(())
}

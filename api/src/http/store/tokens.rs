//! `booking.tokens`: bearer tokens by their hash. The token itself is shown once and kept nowhere.

use super::super::auth::{Caller, Role, TokenHash};
use sqlx::PgConnection;
use steps::UserId;

/// Stores a token by its hash, for this many days or without an end.
///
/// # Errors
/// The database failed; a check violation if a customer has no user, or another role has one.
pub async fn insert(
    connection: &mut PgConnection,
    hash: &TokenHash,
    bearer: &Caller,
    valid_days: Option<i32>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into booking.tokens (hash, bucket, role, subject, user_id, created_at, expires_at)
         values ($1, $2, $3, $4, $5, now(), now() + make_interval(days => $6::int))",
        hash.bytes(),
        hash.bucket().number(),
        bearer.role.as_str(),
        bearer.subject,
        bearer.user.map(UserId::uuid),
        valid_days,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The bearer of a token; `None` if it is unknown, expired or revoked.
///
/// # Errors
/// The database failed.
pub async fn find(connection: &mut PgConnection, hash: &TokenHash) -> Result<Option<Caller>, sqlx::Error> {
    let row = sqlx::query!(
        "select role, subject, user_id
         from booking.tokens
         where hash = $1 and bucket = $2 and revoked_at is null
           and (expires_at is null or expires_at > statement_timestamp())",
        hash.bytes(),
        hash.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let role = Role::of_name(&row.role).ok_or_else(|| sqlx::Error::Decode("an unknown role".into()))?;
    Ok(Some(Caller { role, subject: row.subject, user: row.user_id.map(UserId::from_uuid) }))
}

//! `booking.users`: the people who book. A user is in the bucket of the e-mail address.

use orchestrator::Bucket;
use sqlx::PgConnection;
use steps::UserId;

/// Makes a user, or finds the user who has this address. The name that was given first stays.
///
/// # Errors
/// The database failed; a check violation if the address has no `@`.
pub async fn ensure(connection: &mut PgConnection, name: &str, email: &str) -> Result<UserId, sqlx::Error> {
    let email = email.trim().to_lowercase();
    let bucket = Bucket::of_key(&email);
    let id = sqlx::query_scalar!(
        "insert into booking.users (id, bucket, name, email, created_at)
         values ($1, $2, $3, $4, now())
         on conflict (email, bucket) do update set email = excluded.email
         returning id",
        bucket.new_id(),
        bucket.number(),
        name.trim(),
        email,
    )
    .fetch_one(connection)
    .await?;
    Ok(UserId::from_uuid(id))
}

/// Whether there is such a user.
///
/// # Errors
/// The database failed.
pub async fn exists(connection: &mut PgConnection, user: UserId) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select 1 from booking.users where id = $1 and bucket = $2",
        user.uuid(),
        user.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

//! `booking.users`.

use orchestrator::Bucket;
use sqlx::PgPool;
use uuid::Uuid;

/// Finds the user with this e-mail address, or makes one. A user that exists keeps its name.
pub async fn find_or_create(pool: &PgPool, name: &str, email: &str) -> Result<Uuid, sqlx::Error> {
    let email = email.to_lowercase();
    // A user lives in the bucket of its address, so that the address is unique.
    let bucket = Bucket::of_key(&email);
    sqlx::query_scalar!(
        "insert into booking.users (id, bucket, name, email, created_at)
         values ($1, $2, $3, $4, now())
         on conflict (email, bucket) do update set name = users.name
         returning id",
        bucket.new_id(),
        bucket.number(),
        name,
        email,
    )
    .fetch_one(pool)
    .await
}

/// Whether there is such a user.
pub async fn exists(pool: &PgPool, user: Uuid) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select 1 from booking.users where id = $1 and bucket = $2",
        user,
        Bucket::of_id(user).number(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(found.is_some())
}

//! `booking.users`: who books. A user lives in the bucket of the e-mail address.

use crate::UserId;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use sqlx::PgConnection;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRow {
    /// The id.
    pub user: UserId,
    /// The name, for people.
    pub name: String,
    /// The address, in lower case.
    pub email: String,
}

/// Makes a user, or finds the one who has this address already; the name given first stays.
///
/// # Errors
/// The database's; a check violation if the address has no `@`.
pub async fn ensure(
    connection: &mut PgConnection,
    name: &str,
    email: &str,
    now: DateTime<Utc>,
) -> Result<UserRow, StoreError> {
    let email = email.trim().to_lowercase();
    let bucket = Bucket::of_key(&email);
    let row = sqlx::query!(
        r#"
        insert into booking.users (id, bucket, name, email, created_at)
        values ($1, $2, $3, $4, $5)
        on conflict (email, bucket) do update set email = excluded.email
        returning id, name
        "#,
        bucket.new_id(),
        bucket.number(),
        name.trim(),
        email,
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(UserRow { user: UserId::from_uuid(row.id), name: row.name, email })
}

/// The user with this id.
///
/// # Errors
/// The database's.
pub async fn find(connection: &mut PgConnection, user: UserId) -> Result<Option<UserRow>, StoreError> {
    let row = sqlx::query!(
        "select name, email from booking.users where id = $1 and bucket = $2",
        user.uuid(),
        user.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| UserRow { user, name: row.name, email: row.email }))
}

//! Both schemas, brought up to date together.

use sqlx::PgPool;

/// Whether the database has every table that this binary needs.
pub async fn are_current(pool: &PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(
        "select to_regclass('usher.sagas') is not null and to_regclass('booking.tokens') is not null",
    )
    .fetch_one(pool)
    .await
}

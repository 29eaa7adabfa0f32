//! `booking.events`.

use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use sqlx::PgPool;
use uuid::Uuid;

/// One show.
#[derive(Clone, Debug)]
pub struct EventRow {
    /// Its id.
    pub id: Uuid,
    /// What is shown.
    pub name: String,
    /// Where.
    pub venue: String,
    /// ISO 4217.
    pub currency: String,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// `OPEN` or `CLOSED`.
    pub sale: String,
    /// How long its seats stay reserved, in milliseconds.
    pub hold_ms: i64,
    /// The most seats of one reservation.
    pub seats_max: i16,
    /// Raised by every change of the row.
    pub version: i64,
}

/// At most `limit` events in the order of their time, behind `after`.
pub async fn list(
    pool: &PgPool,
    after: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<EventRow>, sqlx::Error> {
    let (after_time, after_id) = after.unzip();
    sqlx::query_as!(
        EventRow,
        "select id, name, venue, currency, starts_at, sale, hold_ms, seats_max, version
         from booking.events
         where $1::timestamptz is null or (starts_at, id) > ($1, $2::uuid)
         order by starts_at, id
         limit $3",
        after_time,
        after_id,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// One event.
pub async fn find(pool: &PgPool, event: Uuid) -> Result<Option<EventRow>, sqlx::Error> {
    sqlx::query_as!(
        EventRow,
        "select id, name, venue, currency, starts_at, sale, hold_ms, seats_max, version
         from booking.events
         where id = $1 and bucket = $2",
        event,
        Bucket::of_id(event).number(),
    )
    .fetch_optional(pool)
    .await
}

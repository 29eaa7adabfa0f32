//! `booking.seats`, as the public sees them.

use orchestrator::Bucket;
use sqlx::PgPool;
use uuid::Uuid;

/// A seat's place and price, which hardly ever change.
#[derive(Clone, Debug)]
pub struct SeatRow {
    /// Its id.
    pub id: Uuid,
    /// Part of the house.
    pub section: String,
    /// Row's name.
    pub row_name: String,
    /// Number in the row.
    pub number: i16,
    /// Place on the map in decimetres, to the right.
    pub x_dm: i16,
    /// Place on the map in decimetres, away from the stage.
    pub y_dm: i16,
    /// Price class.
    pub tier: String,
    /// Reachable by wheelchair.
    pub accessible: bool,
    /// In minor units of the event's currency.
    pub price_minor: i64,
}

/// Who has which seat, as one version.
#[derive(Clone, Debug)]
pub struct StatusRow {
    /// Raised by every change of any of the event's seats.
    pub version: i64,
    /// JSON object of the seats that can't be had: id → `RESERVED`, `BOOKED` or `BLOCKED`.
    pub taken: String,
}

/// All seats of an event in the order of the house.
pub async fn geometry(pool: &PgPool, event: Uuid) -> Result<Vec<SeatRow>, sqlx::Error> {
    sqlx::query_as!(
        SeatRow,
        "select id, section, row_name, number, x_dm, y_dm, tier, accessible, price_minor
         from booking.seats
         where event_id = $1 and bucket = $2
         order by section, row_name, number",
        event,
        Bucket::of_id(event).number(),
    )
    .fetch_all(pool)
    .await
}

/// Who has which seat of an event.
///
/// A seat's `hold` is raised whenever it is taken, and within one hold it goes from RESERVED to BOOKED or back to
/// AVAILABLE. So `3 * hold` and the rank of the status grow with every change, and so does their sum.
pub async fn statuses(pool: &PgPool, event: Uuid) -> Result<StatusRow, sqlx::Error> {
    sqlx::query_as!(
        StatusRow,
        r#"select
             coalesce(sum(3 * hold + case status when 'RESERVED' then 0 when 'BOOKED' then 1 else 2 end), 0)::bigint
               as "version!",
             coalesce(
               json_object_agg(id, case when blocked then 'BLOCKED' else status end)
                 filter (where blocked or status <> 'AVAILABLE'),
               '{}'
             )::text as "taken!"
           from booking.seats
           where event_id = $1 and bucket = $2"#,
        event,
        Bucket::of_id(event).number(),
    )
    .fetch_one(pool)
    .await
}

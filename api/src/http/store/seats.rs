//! `booking.seats`, as everybody may see them.

use sqlx::PgConnection;
use steps::EventId;

/// Who has which seat, as one version.
#[derive(Clone, Debug)]
pub struct StatusRow {
    /// The version, raised by every change of a seat of the event.
    pub version: i64,
    /// JSON object of the seats that can't be had: id → `RESERVED`, `BOOKED` or `BLOCKED`.
    pub taken: String,
}

/// Who has which seat of an event, aggregated in the database, so that a stadium's 80,000 rows need not be sent.
///
/// A seat's `hold` is raised whenever it is taken, and within one hold it goes from RESERVED to BOOKED or back to
/// AVAILABLE. So `3 * hold` and the rank of the status grow with every change, and so does their sum.
pub async fn statuses(connection: &mut PgConnection, event: EventId) -> Result<StatusRow, sqlx::Error> {
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
        event.uuid(),
        event.bucket().number(),
    )
    .fetch_one(connection)
    .await
}

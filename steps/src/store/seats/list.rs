//! Reads seats: the map of a venue, and the present status of each seat.

use crate::status::SeatStatus;
use crate::store::{StoreError, keys};
use crate::{EventId, SeatId};
use serde::Serialize;
use sqlx::PgConnection;

/// A seat and where it is; nothing here changes during a sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seat {
    /// Its id.
    pub seat: SeatId,
    /// The event.
    pub event: EventId,
    /// The section of the venue.
    pub section: String,
    /// The row in it.
    pub row: String,
    /// The number in the row.
    pub number: i16,
    /// The price class.
    pub tier: String,
    /// What it costs, in minor units of the event's currency.
    pub price_minor: i64,
    /// Whether it can be reached by wheelchair.
    pub accessible: bool,
    /// The place on the map, in decimetres to the right.
    pub x_dm: i16,
    /// The place on the map, in decimetres away from the stage.
    pub y_dm: i16,
}

impl Seat {
    /// The text that is printed on the ticket.
    pub fn label(&self) -> String {
        format!("{}, row {}, seat {}", self.section, self.row, self.number)
    }
}

/// The present status of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SeatState {
    /// The seat's id.
    pub seat: SeatId,
    /// Its status.
    pub status: SeatStatus,
    /// Whether the venue does not sell it.
    pub blocked: bool,
}

/// All seats of an event in the order of section, row and number; 80,000 of them in a stadium.
///
/// # Errors
/// The database failed.
pub async fn list_of_event(connection: &mut PgConnection, event: EventId) -> Result<Vec<Seat>, StoreError> {
    let rows = sqlx::query_as!(
        SeatRow,
        r#"
        select id, event_id, section, row_name, number, tier, price_minor, accessible, x_dm, y_dm
        from booking.seats
        where event_id = $1 and bucket = $2
        order by section, length(row_name), row_name, number
        "#,
        event.uuid(),
        event.bucket().number(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Seat::from).collect())
}

/// The seats with these ids, in the order of their ids; those that don't exist are missing.
///
/// # Errors
/// The database failed.
pub async fn find_all(connection: &mut PgConnection, seats: &[SeatId]) -> Result<Vec<Seat>, StoreError> {
    let (ids, buckets) = keys(seats.iter().map(|seat| seat.uuid()));
    let rows = sqlx::query_as!(
        SeatRow,
        r#"
        select s.id, event_id, section, row_name, number, tier, price_minor, accessible, x_dm, y_dm
        from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
        join booking.seats as s on s.id = wanted.id and s.bucket = wanted.bucket
        order by s.id
        "#,
        &ids,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Seat::from).collect())
}

/// The status of each seat of an event, in the order of their ids.
///
/// # Errors
/// The database failed.
pub async fn list_states(
    connection: &mut PgConnection,
    event: EventId,
) -> Result<Vec<SeatState>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select id, status as "status: SeatStatus", blocked
        from booking.seats
        where event_id = $1 and bucket = $2
        order by id
        "#,
        event.uuid(),
        event.bucket().number(),
    )
    .fetch_all(connection)
    .await?;
    let state = |id, status, blocked| SeatState { seat: SeatId::from_uuid(id), status, blocked };
    Ok(rows.into_iter().map(|row| state(row.id, row.status, row.blocked)).collect())
}

/// How many seats an event has.
///
/// # Errors
/// The database failed.
pub async fn count(connection: &mut PgConnection, event: EventId) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from booking.seats where event_id = $1 and bucket = $2"#,
        event.uuid(),
        event.bucket().number(),
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

struct SeatRow {
    id: uuid::Uuid,
    event_id: uuid::Uuid,
    section: String,
    row_name: String,
    number: i16,
    tier: String,
    price_minor: i64,
    accessible: bool,
    x_dm: i16,
    y_dm: i16,
}

impl From<SeatRow> for Seat {
    fn from(row: SeatRow) -> Self {
        Self {
            seat: SeatId::from_uuid(row.id),
            event: EventId::from_uuid(row.event_id),
            section: row.section,
            row: row.row_name,
            number: row.number,
            tier: row.tier,
            price_minor: row.price_minor,
            accessible: row.accessible,
            x_dm: row.x_dm,
            y_dm: row.y_dm,
        }
    }
}

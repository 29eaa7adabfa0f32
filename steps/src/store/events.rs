//! `booking.events`: shows, and whether their seats may be reserved.

use crate::EventId;
use crate::money::Currency;
use crate::status::SaleStatus;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::time::Duration;

/// An event as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// The event's id.
    pub event: EventId,
    /// The name of the show.
    pub name: String,
    /// The venue.
    pub venue: String,
    /// What the venue was generated from, if it was.
    pub seed: Option<i64>,
    /// The currency of its prices.
    pub currency: Currency,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// Whether its seats may be reserved.
    pub sale: SaleStatus,
    /// How long a reservation holds its seats.
    pub hold: Duration,
    /// The most seats that one reservation may have.
    pub seats_max: i16,
    /// Raised by every change of the event itself.
    pub version: i64,
}

/// An event to be added; it is CLOSED until its seats are there.
#[derive(Clone, Debug)]
pub struct NewEvent<'a> {
    /// The event's id.
    pub event: EventId,
    /// The name of the show.
    pub name: &'a str,
    /// The venue.
    pub venue: &'a str,
    /// What the venue is generated from.
    pub seed: Option<i64>,
    /// The currency of its prices.
    pub currency: Currency,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
}

/// Adds an event, unless one of this venue and seed is there, and returns the id that it has.
///
/// # Errors
/// The database failed.
pub async fn ensure(
    connection: &mut PgConnection,
    event: &NewEvent<'_>,
    now: DateTime<Utc>,
) -> Result<EventId, StoreError> {
    let id = sqlx::query_scalar!(
        r#"
        insert into booking.events (id, bucket, name, venue, seed, currency, starts_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (venue, seed, bucket) do update set venue = excluded.venue
        returning id
        "#,
        event.event.uuid(),
        event.event.bucket().number(),
        event.name,
        event.venue,
        event.seed,
        event.currency.as_str(),
        event.starts_at,
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(EventId::from_uuid(id))
}

/// Opens or closes an event's sale. Reservations made before stay as they are.
///
/// # Errors
/// The database failed.
pub async fn set_sale(
    connection: &mut PgConnection,
    event: EventId,
    sale: SaleStatus,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update booking.events
        set sale = $3, version = version + 1
        where id = $1 and bucket = $2 and sale <> $3
        "#,
        event.uuid(),
        event.bucket().number(),
        sale.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets how long reservations of an event hold their seats, from the next one on.
///
/// # Errors
/// The database failed; a check violation outside 1 ms to 24 h.
pub async fn set_hold(
    connection: &mut PgConnection,
    event: EventId,
    hold: Duration,
) -> Result<(), StoreError> {
    sqlx::query!(
        r#"
        update booking.events
        set hold_ms = $3, version = version + 1
        where id = $1 and bucket = $2 and hold_ms <> $3
        "#,
        event.uuid(),
        event.bucket().number(),
        i64::try_from(hold.as_millis()).unwrap_or(i64::MAX),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The event with this id.
///
/// # Errors
/// The database failed.
pub async fn find(connection: &mut PgConnection, event: EventId) -> Result<Option<EventRow>, StoreError> {
    let row = sqlx::query_as!(
        EventColumns,
        r#"
        select
            id, name, venue, seed, currency as "currency: Currency", starts_at, sale as "sale: SaleStatus", hold_ms,
            seats_max, version
        from booking.events
        where id = $1 and bucket = $2
        "#,
        event.uuid(),
        event.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(EventRow::from))
}

/// At most `limit` events with an id above `after`, in the order of their ids, which is that of their making.
///
/// # Errors
/// The database failed.
pub async fn list(
    connection: &mut PgConnection,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<EventRow>, StoreError> {
    let rows = sqlx::query_as!(
        EventColumns,
        r#"
        select
            id, name, venue, seed, currency as "currency: Currency", starts_at, sale as "sale: SaleStatus", hold_ms,
            seats_max, version
        from booking.events
        where $1::uuid is null or id > $1
        order by id
        limit $2
        "#,
        after.map(EventId::uuid),
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(EventRow::from).collect())
}

/// A row as the database gives it.
struct EventColumns {
    id: uuid::Uuid,
    name: String,
    venue: String,
    seed: Option<i64>,
    currency: Currency,
    starts_at: DateTime<Utc>,
    sale: SaleStatus,
    hold_ms: i64,
    seats_max: i16,
    version: i64,
}

impl From<EventColumns> for EventRow {
    fn from(row: EventColumns) -> Self {
        Self {
            event: EventId::from_uuid(row.id),
            name: row.name,
            venue: row.venue,
            seed: row.seed,
            currency: row.currency,
            starts_at: row.starts_at,
            sale: row.sale,
            hold: Duration::from_millis(row.hold_ms.unsigned_abs()),
            seats_max: row.seats_max,
            version: row.version,
        }
    }
}

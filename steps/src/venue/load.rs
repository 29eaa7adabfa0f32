//! Putting a house on sale: its event, then all of its seats in one `copy`.

use super::Venue;
use crate::status::SaleStatus;
use crate::store::StoreError;
use crate::store::events::{self, NewEvent};
use crate::store::seats;
use crate::{Currency, EventId, SeatId};
use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use sqlx::PgConnection;
use std::fmt::Write;

/// So much text goes to the server at once: enough to keep it busy, little enough to hold in memory.
const CHUNK_BYTES: usize = 64 * 1024;

/// What is on in a house.
#[derive(Clone, Debug)]
pub struct Opening<'a> {
    /// What is on.
    pub name: &'a str,
    /// When it begins.
    pub starts_at: DateTime<Utc>,
    /// What seats are paid in; the house's prices are taken as its minor units.
    pub currency: Currency,
}

/// A house on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Its event.
    pub event: EventId,
    /// How many seats it has.
    pub seats: usize,
    /// Whether it was loaded now; a house of one kind and seed is loaded once.
    pub new: bool,
}

/// Why a house could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database refused or can't be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody has put other seats under the event.
    #[error("event {event} has {found} seats, but its venue has {expected}; choose another seed")]
    OtherSeats {
        /// The event.
        event: EventId,
        /// How many seats it has.
        found: i64,
        /// How many seats it should have.
        expected: usize,
    },
}

impl From<sqlx::Error> for LoadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Adds the house's event and seats and opens the sale, unless a house of this kind and seed is there.
///
/// Each statement stands for itself and the event stays CLOSED until the seats are in, so a loading that was
/// killed half-way is completed by the next, and nobody sees half a house.
///
/// # Errors
/// [`LoadError`].
pub async fn load(
    connection: &mut PgConnection,
    venue: &Venue,
    opening: &Opening<'_>,
    now: DateTime<Utc>,
) -> Result<Loaded, LoadError> {
    let (kind, expected) = (venue.kind.as_str(), venue.kind.seats());
    let event = NewEvent {
        event: EventId::new_in(Bucket::of_key(&format!("{kind}/{}", venue.seed))),
        name: opening.name,
        venue: kind,
        seed: Some(venue.seed),
        currency: opening.currency,
        starts_at: opening.starts_at,
    };
    let event = events::ensure(connection, &event, now).await?;
    match seats::count(connection, event).await? {
        0 => copy(connection, venue, event).await?,
        found if usize::try_from(found) == Ok(expected) => {
            return Ok(Loaded { event, seats: expected, new: false });
        }
        found => return Err(LoadError::OtherSeats { event, found, expected }),
    }
    events::set_sale(connection, event, SaleStatus::Open).await?;
    Ok(Loaded { event, seats: expected, new: true })
}

async fn copy(connection: &mut PgConnection, venue: &Venue, event: EventId) -> Result<(), LoadError> {
    let mut copy = connection
        .copy_in_raw(
            "copy booking.seats
                (id, bucket, event_id, section, row_name, number, tier, price_minor, accessible, x_dm, y_dm)
             from stdin",
        )
        .await?;
    let bucket = event.bucket();
    let mut chunk = String::with_capacity(CHUNK_BYTES + 1024);
    for (section, row, place) in venue.places() {
        let (seat, section, row_name, tier) = (SeatId::new_in(bucket), &section.name, &row.name, row.tier);
        writeln!(
            chunk,
            "{seat}\t{bucket}\t{event}\t{section}\t{row_name}\t{}\t{tier}\t{}\t{}\t{}\t{}",
            place.number, row.price_minor, place.accessible, place.x_dm, place.y_dm
        )
        .expect("writing to a string can't fail");
        if chunk.len() >= CHUNK_BYTES {
            copy.send(chunk.as_bytes()).await?;
            chunk.clear();
        }
    }
    copy.send(chunk.as_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

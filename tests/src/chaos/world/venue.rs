//! Events on sale.

use crate::{
    chaos::plan::Event,
    support::{Show, Venue},
};
use sqlx::PgPool;

/// Puts an event on sale.
pub(super) async fn open(pool: &PgPool, event: &Event) -> Result<Show, sqlx::Error> {
    let venue = Venue { name: event.name.into(), hold: event.hold, ..Venue::with_seats(event.seats) };
    venue.open(pool).await
}

//! Events on sale.

use crate::chaos::plan::Event;
use orchestrator::Bucket;
use sqlx::PgPool;
use steps::{EventId, SeatId};

/// What one seat costs, in minor units.
pub(in super::super) const PRICE: i64 = 12_500;

/// An event and its seats.
pub(in super::super) struct Show {
    pub event: EventId,
    pub seats: Vec<SeatId>,
}

/// Puts an event on sale.
pub(super) async fn open(pool: &PgPool, event: &Event) -> Result<Show, sqlx::Error> {
    let bucket = Bucket::of_key(event.name);
    let (id, seats) = (EventId::new_in(bucket), 0..event.seats);
    let made = "insert into booking.events
            (id, bucket, name, venue, currency, starts_at, sale, hold_ms, created_at)
        values ($1, $2, $3, $3, 'EUR', now() + interval '30 days', 'OPEN', $4, now())";
    let hold_ms = i64::try_from(event.hold.as_millis()).expect("a hold is seconds");
    let made = sqlx::query(made).bind(id.uuid()).bind(bucket.number()).bind(event.name).bind(hold_ms);
    made.execute(pool).await?;
    let seats: Vec<SeatId> = seats.map(|_| SeatId::new_in(bucket)).collect();
    let made = "insert into booking.seats
            (id, bucket, event_id, price_minor, number, x_dm, y_dm, section, row_name, tier)
        select seat.id, $2, $3, $4, seat.number, seat.number, 0, 'Stalls', 'A', 'standard'
        from unnest($1::uuid[]) with ordinality as seat (id, number)";
    let ids: Vec<_> = seats.iter().map(|seat| seat.uuid()).collect();
    let made = sqlx::query(made).bind(ids).bind(bucket.number()).bind(id.uuid()).bind(PRICE);
    made.execute(pool).await?;
    Ok(Show { event: id, seats })
}

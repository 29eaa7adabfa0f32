//! What is for sale: 64 events in as many buckets, filled in bulk, and who gets which seat.

use crate::servers::Servers;
use anyhow::Context;
use chrono::{TimeDelta, Utc};
use orchestrator::Bucket;
use sqlx::PgConnection;
use std::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};
use steps::{
    Currency, EventId, SeatId,
    status::SaleStatus,
    store::events::{self, NewEvent},
};

const EVENTS: usize = 64;
/// The distance between the buckets of two events. Odd, so that they fall evenly to any number of lanes that is a
/// power of two.
const BUCKET_STRIDE: usize = 17;
const SEATS_A_ROW: usize = 100;
pub(crate) const PRICE_MINOR: i64 = 4_500;
pub(crate) const CURRENCY: Currency = Currency::EUR;

/// A seat that is on sale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seat {
    pub event: EventId,
    pub seat: SeatId,
}

/// All seats of a round, each handed out once: the next one of the next event.
pub(crate) struct Seats {
    events: Vec<(EventId, Vec<SeatId>)>,
    next: AtomicUsize,
}

/// Prepares the template: the schema as a node would find it, and so many seats on sale.
pub(crate) async fn prepare(servers: &Servers, seats: usize) -> anyhow::Result<Seats> {
    let mut connection = servers.create_template().await?;
    orchestrator::migrate(&mut connection).await.context("applying the engine's migrations")?;
    steps::migrate(&mut connection).await.context("applying the booking's migrations")?;
    let mut filled = Vec::with_capacity(EVENTS);
    for number in 0..EVENTS {
        filled.push(fill(&mut connection, number, seats.div_ceil(EVENTS)).await?);
    }
    sqlx::raw_sql("vacuum (analyze) booking.seats, booking.events").execute(&mut connection).await?;
    Ok(Seats { events: filled, next: AtomicUsize::new(0) })
}

async fn fill(
    connection: &mut PgConnection,
    number: usize,
    seats: usize,
) -> anyhow::Result<(EventId, Vec<SeatId>)> {
    let bucket = Bucket::from_number((number * BUCKET_STRIDE % usize::from(Bucket::COUNT)) as i16)
        .context("a bucket below 1,024")?;
    let now = Utc::now();
    let new = NewEvent {
        event: EventId::new_in(bucket),
        name: "A night out",
        venue: "bench",
        seed: Some(number as i64),
        currency: CURRENCY,
        starts_at: now + TimeDelta::days(30),
    };
    let event = events::ensure(connection, &new, now).await?;
    events::set_sale(connection, event, SaleStatus::Open).await?;

    let ids: Vec<SeatId> = (0..seats).map(|_| SeatId::new_in(bucket)).collect();
    let mut rows = String::with_capacity(seats * 160);
    for (index, seat) in ids.iter().enumerate() {
        let (row, place) = (index / SEATS_A_ROW, index % SEATS_A_ROW + 1);
        writeln!(rows, "{seat}\t{bucket}\t{event}\t{PRICE_MINOR}\t{place}\t0\t0\tStalls\t{row}\tstandard")?;
    }
    // Checking the one foreign key of these tables would cost more than the rows, and their event was just made.
    sqlx::raw_sql("set session_replication_role = replica").execute(&mut *connection).await?;
    let columns = "(id, bucket, event_id, price_minor, number, x_dm, y_dm, section, row_name, tier)";
    let mut copy = connection.copy_in_raw(&format!("copy booking.seats {columns} from stdin")).await?;
    copy.send(rows.into_bytes()).await?;
    copy.finish().await.context("filling an event with seats")?;
    Ok((event, ids))
}

impl Seats {
    /// Begins again with the first seat.
    pub fn rewind(&self) {
        self.next.store(0, Ordering::Relaxed);
    }

    /// The next seat.
    ///
    /// # Errors
    /// All are sold.
    pub fn next(&self) -> anyhow::Result<Seat> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (event, seats) = &self.events[number % EVENTS];
        let seat = seats.get(number / EVENTS).with_context(|| {
            format!("all {number} seats are sold before the round is over; raise --seats-per-second")
        })?;
        Ok(Seat { event: *event, seat: *seat })
    }
}

impl Seat {
    /// The bucket of everything about this seat.
    pub fn bucket(&self) -> Bucket {
        self.event.bucket()
    }
}

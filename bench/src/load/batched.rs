//! The second floor: the same two statements for 128 sagas at a time, through `unnest`. How fast the database could
//! be if every batch were full and nothing ever went wrong.

use super::{Load, buyer, door_code, join};
use crate::{
    sale::{CURRENCY, PRICE_MINOR, Seat},
    servers::connect_floor,
};
use anyhow::ensure;
use orchestrator::SagaId;
use sqlx::PgConnection;
use std::{sync::Arc, time::Instant};
use steps::{BookingId, PaymentId, ReservationId};
use tokio::task::JoinSet;
use uuid::Uuid;

const BATCH: usize = 128;
/// As many as the engine has lanes: more were not faster on two cores.
const CONNECTIONS: usize = 2;

/// A batch as the columns of its statements, in the order of the seats' ids.
struct Batch {
    buckets: Vec<i16>,
    sagas: Vec<Uuid>,
    seats: Vec<Uuid>,
    reservations: Vec<Uuid>,
    bookings: Vec<BookingId>,
}

/// Sells until the clock stops.
pub(crate) async fn sell(load: &Arc<Load>) -> anyhow::Result<()> {
    let mut sellers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        sellers.spawn(sell_seats(load.clone(), connect_floor(&load.url).await?));
    }
    join(sellers).await
}

async fn sell_seats(load: Arc<Load>, mut connection: PgConnection) -> anyhow::Result<()> {
    while load.tally.clock().runs() {
        let seats = (0..BATCH).map(|_| load.seats.next()).collect::<anyhow::Result<Vec<_>>>()?;
        let begun = Instant::now();
        let batch = Batch::of(seats);
        batch.reserve(&mut connection).await?;
        batch.confirm(&mut connection).await?;
        load.tally.note(&batch.bookings, begun, Instant::now());
    }
    Ok(())
}

impl Batch {
    fn of(mut seats: Vec<Seat>) -> Self {
        // Key order keeps neighbours on one page, and prevents deadlocks between two batches.
        seats.sort_unstable_by_key(|seat| seat.seat);
        let each = |id: fn(&Seat) -> Uuid| seats.iter().map(id).collect::<Vec<_>>();
        Self {
            buckets: seats.iter().map(|seat| seat.bucket().number()).collect(),
            sagas: each(|seat| SagaId::new_in(seat.bucket()).uuid()),
            seats: each(|seat| seat.seat.uuid()),
            reservations: each(|seat| ReservationId::new_in(seat.bucket()).uuid()),
            bookings: seats.iter().map(|seat| BookingId::new_in(seat.bucket())).collect(),
        }
    }

    async fn reserve(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let buyers: Vec<Uuid> = self.seats.iter().map(|_| buyer().uuid()).collect();
        let reserved = sqlx::query_file!(
            "src/load/reserve_batch.sql",
            &self.buckets,
            &self.sagas,
            &self.seats,
            &self.reservations,
            &buyers,
            CURRENCY.as_str(),
        )
        .execute(connection)
        .await?;
        ensure!(reserved.rows_affected() == BATCH as u64, "some seats of a batch could not be reserved");
        Ok(())
    }

    async fn confirm(&self, connection: &mut PgConnection) -> anyhow::Result<()> {
        let payments: Vec<PaymentId> =
            self.bookings.iter().map(|booking| PaymentId::new_in(booking.bucket())).collect();
        let confirmed = sqlx::query_file!(
            "src/load/confirm_batch.sql",
            &self.buckets,
            &self.sagas,
            &self.seats,
            &self.reservations,
            &payments.iter().map(|payment| payment.uuid()).collect::<Vec<_>>(),
            &self.bookings.iter().map(|booking| booking.uuid()).collect::<Vec<_>>(),
            &payments.iter().map(|payment| format!("pi_{payment}")).collect::<Vec<_>>(),
            &payments.iter().map(|_| door_code()).collect::<Vec<_>>(),
            PRICE_MINOR,
        )
        .execute(connection)
        .await?;
        ensure!(confirmed.rows_affected() == BATCH as u64, "some of a batch could not be confirmed");
        Ok(())
    }
}

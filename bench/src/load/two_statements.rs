//! The first floor: a statement that begins the saga and reserves, a statement that confirms and ends it, each its
//! own transaction, from 16 connections with prepared statements.

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

const CONNECTIONS: usize = 16;

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
        let begun = Instant::now();
        let booking = sell_one(&mut connection, load.seats.next()?).await?;
        load.tally.note(&[booking], begun, Instant::now());
    }
    Ok(())
}

async fn sell_one(connection: &mut PgConnection, seat: Seat) -> anyhow::Result<BookingId> {
    let bucket = seat.bucket();
    let (saga, reservation) = (SagaId::new_in(bucket), ReservationId::new_in(bucket));
    let reserved = sqlx::query_file!(
        "src/load/reserve_one.sql",
        bucket.number(),
        saga.uuid(),
        seat.seat.uuid(),
        reservation.uuid(),
        buyer().uuid(),
        CURRENCY.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    ensure!(reserved.rows_affected() == 1, "seat {} could not be reserved", seat.seat);

    let (payment, booking) = (PaymentId::new_in(bucket), BookingId::new_in(bucket));
    let confirmed = sqlx::query_file!(
        "src/load/confirm_one.sql",
        bucket.number(),
        saga.uuid(),
        seat.seat.uuid(),
        reservation.uuid(),
        payment.uuid(),
        booking.uuid(),
        format!("pi_{payment}"),
        door_code(),
        PRICE_MINOR,
    )
    .execute(connection)
    .await?;
    ensure!(confirmed.rows_affected() == 1, "reservation {reservation} could not be confirmed");
    Ok(booking)
}

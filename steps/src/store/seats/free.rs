//! Giving booked seats back, once their booking is cancelled.

use crate::ReservationId;
use crate::store::{StoreError, expect_rows};
use sqlx::PgConnection;

/// Puts the booked seats of a reservation back on sale and ends its claims, if its booking is cancelled: those seats
/// that are still its own, so that doing it twice frees nobody else's. Says how many there were.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn free_booked(
    connection: &mut PgConnection,
    reservation: ReservationId,
) -> Result<u32, StoreError> {
    let row = sqlx::query_file!(
        "src/store/sql/free_booked.sql",
        reservation.uuid(),
        reservation.bucket().number(),
    )
    .fetch_one(connection)
    .await?;
    let released = usize::try_from(row.released).unwrap_or_default();
    expect_rows("the seats of a cancelled booking", released, row.freed)?;
    Ok(u32::try_from(released).unwrap_or_default())
}

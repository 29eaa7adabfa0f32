//! The look before the leap: what the wanted seats are, under a lock that lasts to the commit.

use super::take::Take;
use crate::money::Currency;
use crate::status::{SaleStatus, SeatStatus};
use crate::store::{StoreError, keys};
use crate::{EventId, ReservationId, SeatId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};

/// A seat as it stands, with what its event says of it.
#[derive(Clone, Debug)]
pub(super) struct LockedSeat {
    pub event: EventId,
    pub price_minor: i64,
    pub currency: Currency,
    pub sale: SaleStatus,
    pub hold_ms: i64,
    pub seats_max: usize,
    pub status: SeatStatus,
    pub hold: i64,
    pub reservation: Option<ReservationId>,
    pub reserved_until: Option<DateTime<Utc>>,
    pub blocked: bool,
}

/// Locks every seat that one of `takes` wants, in the order of their keys: two batches that want the same
/// seats wait for each other instead of each holding what the other needs. A seat that isn't there is missing
/// from the answer.
pub(super) async fn lock(
    connection: &mut PgConnection,
    takes: &[Take],
) -> Result<HashMap<SeatId, LockedSeat>, StoreError> {
    let wanted: BTreeSet<SeatId> = takes.iter().flat_map(|take| take.seats.iter().copied()).collect();
    let (ids, buckets) = keys(wanted.into_iter().map(SeatId::uuid));
    let rows = sqlx::query_file!("src/store/sql/lock_seats.sql", &ids, &buckets)
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| {
            let seat = LockedSeat {
                event: EventId::from_uuid(row.event_id),
                price_minor: row.price_minor,
                currency: row.currency,
                sale: row.sale,
                hold_ms: row.hold_ms,
                seats_max: usize::try_from(row.seats_max).unwrap_or_default(),
                status: row.status,
                hold: row.hold,
                reservation: row.reservation_id.map(ReservationId::from_uuid),
                reserved_until: row.reserved_until,
                blocked: row.blocked,
            };
            (SeatId::from_uuid(row.id), seat)
        });
    Ok(rows.collect())
}

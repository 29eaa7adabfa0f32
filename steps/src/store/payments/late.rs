//! Money that came too late, or twice: a payment of its own, for a reservation of its own.

use super::PaymentRow;
use crate::money::Money;
use crate::store::{StoreError, keys};
use crate::{PaymentId, ReservationId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Late money to be written down.
#[derive(Clone, Debug)]
pub struct Late {
    /// The new payment's id, in the late reservation's bucket.
    pub payment: PaymentId,
    /// The reservation that it may pay for yet; it need not exist.
    pub reservation: ReservationId,
    /// The reservation that it was meant for.
    pub late_for: ReservationId,
    /// The amount that came in.
    pub money: Money,
    /// The gateway that it came through.
    pub gateway: String,
}

/// Makes the payments' rows, INITIATED; those that are there stay as they are.
///
/// # Errors
/// The database failed.
pub async fn accept_late(
    connection: &mut PgConnection,
    late: &[Late],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if late.is_empty() {
        return Ok(());
    }
    let (ids, buckets) = keys(late.iter().map(|late| late.payment.uuid()));
    sqlx::query!(
        r#"
        insert into booking.payments
            (id, bucket, reservation_id, late_for, amount_minor, currency, gateway, created_at)
        select id, bucket, reservation_id, late_for, amount_minor, currency, gateway, $8
        from unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[])
            as w (id, bucket, reservation_id, late_for, amount_minor, currency, gateway)
        on conflict (id, bucket) do nothing
        "#,
        &ids,
        &buckets,
        &late.iter().map(|late| late.reservation.uuid()).collect::<Vec<_>>(),
        &late.iter().map(|late| late.late_for.uuid()).collect::<Vec<_>>(),
        &late.iter().map(|late| late.money.amount).collect::<Vec<_>>(),
        &late.iter().map(|late| late.money.currency.as_str().to_owned()).collect::<Vec<_>>(),
        &late.iter().map(|late| late.gateway.clone()).collect::<Vec<_>>(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The late payments of a reservation, oldest first.
///
/// # Errors
/// The database failed.
pub async fn list_late(
    connection: &mut PgConnection,
    late_for: ReservationId,
) -> Result<Vec<PaymentRow>, StoreError> {
    let ids = sqlx::query_scalar!(
        "select id from booking.payments where late_for = $1 and bucket = $2 order by id",
        late_for.uuid(),
        late_for.bucket().number(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        rows.extend(super::find(connection, PaymentId::from_uuid(id)).await?);
    }
    Ok(rows)
}

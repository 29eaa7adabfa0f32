//! Ordering a payment: from then on only the reservation's own saga gives its seats back.

use crate::money::{Currency, Money};
use crate::status::ReservationStatus;
use crate::store::{StoreError, keys};
use crate::{PaymentId, ReservationId};
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use sqlx::PgConnection;

/// A payment to be ordered.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its id, in the reservation's bucket.
    pub payment: PaymentId,
    /// The reservation that is paid for.
    pub reservation: ReservationId,
    /// The amount; `None` for the price of the reservation.
    pub amount: Option<Money>,
    /// The gateway to use.
    pub gateway: String,
}

/// The result of an [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderOutcome {
    /// The payment is INITIATED.
    Ordered {
        /// The saga that waits for the order.
        saga: SagaId,
        /// The amount that is asked for.
        amount: Money,
    },
    /// The payment was not ordered, and nothing was written.
    Refused(OrderRefusal),
}

/// Why a payment was not ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderRefusal {
    /// There is no such reservation.
    Unknown,
    /// The hold has ended, or it was over when the order came.
    Expired,
    /// The reservation ended in another way.
    NotPending {
        /// The status in which it ended.
        status: ReservationStatus,
    },
    /// Another payment for it is under way or succeeded.
    InProgress {
        /// The other payment's id.
        payment: Option<PaymentId>,
    },
    /// The seats cost something else.
    AmountDiffers {
        /// The price of the seats.
        expected: Money,
    },
}

/// Orders a payment for a reservation that is PENDING at `now` and has no live payment. Meant to share its
/// transaction with the signal that tells the saga.
///
/// # Errors
/// The database failed.
pub async fn order(
    connection: &mut PgConnection,
    order: &Order,
    now: DateTime<Utc>,
) -> Result<OrderOutcome, StoreError> {
    let row = sqlx::query_file!(
        "src/store/sql/order_payment.sql",
        order.reservation.uuid(),
        order.reservation.bucket().number(),
        order.payment.uuid(),
        order.amount.map(|money| money.amount),
        order.amount.map(|money| money.currency.as_str().to_owned()),
        now,
        order.gateway,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(OrderOutcome::Refused(OrderRefusal::Unknown)) };
    let amount = Money::new(row.amount_minor, row.currency);
    if row.ordered {
        return Ok(OrderOutcome::Ordered { saga: SagaId::from_uuid(row.saga_id), amount });
    }
    Ok(OrderOutcome::Refused(match row.status {
        ReservationStatus::Expired => OrderRefusal::Expired,
        status @ (ReservationStatus::Confirmed | ReservationStatus::Cancelled) => {
            OrderRefusal::NotPending { status }
        }
        ReservationStatus::Pending if row.reserved_until < now => OrderRefusal::Expired,
        ReservationStatus::Pending if order.amount.is_some_and(|money| money != amount) => {
            OrderRefusal::AmountDiffers { expected: amount }
        }
        ReservationStatus::Pending => {
            OrderRefusal::InProgress { payment: row.payment_id.map(PaymentId::from_uuid) }
        }
    }))
}

/// Makes sure that each payment has its row before a request for it leaves. Where [`order`] made it, nothing
/// is written; an order that came by signal alone gets its row, and marks its reservation, here.
///
/// # Errors
/// The database failed.
pub async fn initiate_all(
    connection: &mut PgConnection,
    orders: &[(Order, Money)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if orders.is_empty() {
        return Ok(());
    }
    let mut sorted: Vec<&(Order, Money)> = orders.iter().collect();
    sorted.sort_unstable_by_key(|(order, _)| order.reservation);
    let (ids, buckets) = keys(sorted.iter().map(|(order, _)| order.payment.uuid()));
    let currency = |currency: Currency| currency.as_str().to_owned();
    sqlx::query_file_scalar!(
        "src/store/sql/initiate_payments.sql",
        &ids,
        &buckets,
        &sorted.iter().map(|(order, _)| order.reservation.uuid()).collect::<Vec<_>>(),
        &sorted.iter().map(|(_, money)| money.amount).collect::<Vec<_>>(),
        &sorted.iter().map(|(_, money)| currency(money.currency)).collect::<Vec<_>>(),
        &sorted.iter().map(|(order, _)| order.gateway.clone()).collect::<Vec<_>>(),
        now,
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

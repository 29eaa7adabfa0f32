//! `booking.bookings`: seats sold.

use crate::money::{Currency, Money};
use crate::status::{BookingStatus, MoneyState, PaymentStatus, ReservationStatus};
use crate::store::{StoreError, expect_rows, keys};
use crate::{BookingId, PaymentId, ReservationId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A booking as it stands; its seats are its reservation's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingRow {
    /// Its id.
    pub booking: BookingId,
    /// What it confirms.
    pub reservation: ReservationId,
    /// What paid for it.
    pub payment: PaymentId,
    /// Whose.
    pub user: UserId,
    /// Whether it still stands.
    pub status: BookingStatus,
    /// What the customer shows at the door.
    pub code: String,
    /// When it was confirmed.
    pub created_at: DateTime<Utc>,
}

/// The booking with this id.
///
/// # Errors
/// The database's.
pub async fn find(
    connection: &mut PgConnection,
    booking: BookingId,
) -> Result<Option<BookingRow>, StoreError> {
    let row = sqlx::query!(
        r#"
        select reservation_id, payment_id, user_id, status as "status: BookingStatus", code, created_at
        from booking.bookings
        where id = $1 and bucket = $2
        "#,
        booking.uuid(),
        booking.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| BookingRow {
        booking,
        reservation: ReservationId::from_uuid(row.reservation_id),
        payment: PaymentId::from_uuid(row.payment_id),
        user: UserId::from_uuid(row.user_id),
        status: row.status,
        code: row.code,
        created_at: row.created_at,
    }))
}

/// A booking to be confirmed.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// What is confirmed.
    pub reservation: ReservationId,
    /// What paid for it.
    pub payment: PaymentId,
    /// The booking's id, in the reservation's bucket.
    pub booking: BookingId,
    /// Twelve random characters for the door.
    pub code: String,
}

/// What became of a [`Confirm`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfirmOutcome {
    /// The seats are booked.
    Confirmed,
    /// They are not, and nothing was written.
    Refused(ConfirmRefusal),
}

/// Why a booking could not be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum ConfirmRefusal {
    /// There is no such reservation.
    Unknown,
    /// The reservation has ended.
    NotPending {
        /// How.
        status: ReservationStatus,
    },
    /// Some of its seats are no longer its own.
    SeatsLost {
        /// So many still are.
        own: i64,
        /// Of so many.
        of: i16,
    },
    /// The payment is none of this reservation's, or the money isn't secured.
    NotPaid {
        /// Where the payment stands, if it is one of this reservation's.
        status: Option<PaymentStatus>,
    },
    /// The payment is of another amount or currency.
    AmountDiffers {
        /// What the seats cost.
        expected: Money,
        /// What was paid.
        paid: Money,
    },
}

/// Books the seats of each reservation that is PENDING, whose seats are all still its own and whose payment
/// is SUCCESS with the right amount and currency. The time doesn't matter: who owns decides.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn confirm_all(
    connection: &mut PgConnection,
    confirms: &[Confirm],
    now: DateTime<Utc>,
) -> Result<Vec<ConfirmOutcome>, StoreError> {
    if confirms.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorted: Vec<&Confirm> = confirms.iter().collect();
    sorted.sort_unstable_by_key(|confirm| confirm.reservation);
    let (ids, buckets) = keys(sorted.iter().map(|confirm| confirm.reservation.uuid()));
    let rows = sqlx::query_file!(
        "src/store/sql/confirm_bookings.sql",
        &ids,
        &buckets,
        &sorted.iter().map(|confirm| confirm.booking.uuid()).collect::<Vec<_>>(),
        &sorted.iter().map(|confirm| confirm.payment.uuid()).collect::<Vec<_>>(),
        &sorted.iter().map(|confirm| confirm.code.clone()).collect::<Vec<_>>(),
        now,
    )
    .fetch_all(connection)
    .await?;

    let mut outcomes: HashMap<Uuid, ConfirmOutcome> = HashMap::new();
    let (mut seats, mut bookings) = (0, 0);
    let written = rows.first().map(|row| (row.seated, row.owed, row.confirmed));
    for row in rows {
        let paid =
            row.paid_minor.zip(row.paid_currency).map(|(amount, currency)| Money::new(amount, currency));
        let expected = Money::new(row.amount_minor, row.currency);
        let outcome = match (row.status, row.payment_status, paid) {
            (ReservationStatus::Pending, ..) if row.seats_own != i64::from(row.seat_count) => {
                ConfirmOutcome::Refused(ConfirmRefusal::SeatsLost { own: row.seats_own, of: row.seat_count })
            }
            (ReservationStatus::Pending, Some(PaymentStatus::Success), Some(paid)) if paid == expected => {
                seats += usize::from(row.seat_count.unsigned_abs());
                bookings += 1;
                ConfirmOutcome::Confirmed
            }
            (ReservationStatus::Pending, Some(PaymentStatus::Success), Some(paid)) => {
                ConfirmOutcome::Refused(ConfirmRefusal::AmountDiffers { expected, paid })
            }
            (ReservationStatus::Pending, status, _) => {
                ConfirmOutcome::Refused(ConfirmRefusal::NotPaid { status })
            }
            (status, ..) => ConfirmOutcome::Refused(ConfirmRefusal::NotPending { status }),
        };
        outcomes.insert(row.reservation_id, outcome);
    }
    let (seated, owed, confirmed) = written.unwrap_or_default();
    expect_rows("the seats of a booking", seats, seated)?;
    expect_rows("the payment of a booking", bookings, owed)?;
    expect_rows("the reservation of a booking", bookings, confirmed)?;
    let outcome = |confirm: &Confirm| {
        outcomes
            .get(&confirm.reservation.uuid())
            .cloned()
            .unwrap_or(ConfirmOutcome::Refused(ConfirmRefusal::Unknown))
    };
    Ok(confirms.iter().map(outcome).collect())
}

/// What a cancellation must know of a booking, its payment and its event.
#[derive(Clone, Debug)]
pub struct ToCancel {
    /// What the booking confirms.
    pub reservation: ReservationId,
    /// What paid for it.
    pub payment: PaymentId,
    /// Whether it still stands.
    pub status: BookingStatus,
    /// How far its money has come.
    pub money: MoneyState,
    /// What was paid.
    pub amount: Money,
    /// The gateway's name for the payment.
    pub gateway_reference: String,
    /// The customer's bank disputes the charge.
    pub disputed: bool,
    /// When the event begins.
    pub starts_at: DateTime<Utc>,
    /// When the booking was confirmed.
    pub confirmed_at: DateTime<Utc>,
}

/// Locks a booking and its payment, in this order.
///
/// # Errors
/// The database's.
pub async fn lock_to_cancel(
    connection: &mut PgConnection,
    booking: BookingId,
) -> Result<Option<ToCancel>, StoreError> {
    let row = sqlx::query!(
        r#"
        select
            b.reservation_id, b.payment_id, b.status as "status: BookingStatus", p.money as "money: MoneyState",
            p.amount_minor, p.currency as "currency: Currency", p.gateway_reference, p.disputed, e.starts_at,
            b.created_at
        from booking.bookings as b
        join booking.payments as p on p.id = b.payment_id and p.bucket = b.bucket
        join booking.reservations as r on r.id = b.reservation_id and r.bucket = b.bucket
        join booking.events as e on e.id = r.event_id and e.bucket = r.bucket
        where b.id = $1 and b.bucket = $2
        for no key update of b, p
        "#,
        booking.uuid(),
        booking.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| ToCancel {
        reservation: ReservationId::from_uuid(row.reservation_id),
        payment: PaymentId::from_uuid(row.payment_id),
        status: row.status,
        money: row.money,
        amount: Money::new(row.amount_minor, row.currency),
        gateway_reference: row.gateway_reference.unwrap_or_default(),
        disputed: row.disputed,
        starts_at: row.starts_at,
        confirmed_at: row.created_at,
    }))
}

/// Cancels a booking that stands; it must have been locked.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn cancel(
    connection: &mut PgConnection,
    booking: BookingId,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let cancelled = sqlx::query!(
        r#"
        update booking.bookings set status = 'CANCELLED', cancelled_at = $3
        where id = $1 and bucket = $2 and status = 'CONFIRMED'
        "#,
        booking.uuid(),
        booking.bucket().number(),
        now,
    )
    .execute(connection)
    .await?;
    expect_rows("the end of a booking", 1, cancelled.rows_affected() as i64)
}

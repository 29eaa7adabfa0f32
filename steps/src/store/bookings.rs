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

/// A booking as it is now. Its seats are those of its reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingRow {
    /// The booking's id.
    pub booking: BookingId,
    /// The reservation that it confirms.
    pub reservation: ReservationId,
    /// The payment that paid for it.
    pub payment: PaymentId,
    /// The user.
    pub user: UserId,
    /// Its status.
    pub status: BookingStatus,
    /// The code that the customer shows at the door.
    pub code: String,
    /// When it was confirmed.
    pub created_at: DateTime<Utc>,
}

/// The booking with this id.
///
/// # Errors
/// The database failed.
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
    /// The reservation to confirm.
    pub reservation: ReservationId,
    /// The payment that paid for it.
    pub payment: PaymentId,
    /// The booking's id, in the reservation's bucket.
    pub booking: BookingId,
    /// Twelve random characters for the door.
    pub code: String,
}

/// The result of a [`Confirm`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfirmOutcome {
    /// The seats are booked.
    Confirmed,
    /// The seats are not booked, and nothing was written.
    Refused(ConfirmRefusal),
    /// Another transaction has the reservation locked; nothing was written.
    Busy,
}

/// Why a booking could not be confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum ConfirmRefusal {
    /// There is no such reservation.
    Unknown,
    /// The reservation has ended.
    NotPending {
        /// The status in which it ended.
        status: ReservationStatus,
    },
    /// Some of its seats are no longer its own.
    SeatsLost {
        /// How many seats are still its own.
        own: i64,
        /// How many seats it has.
        of: i16,
    },
    /// The payment does not belong to this reservation, or its money isn't secured.
    NotPaid {
        /// The payment's status, if it belongs to this reservation.
        status: Option<PaymentStatus>,
    },
    /// The payment has another amount or currency.
    AmountDiffers {
        /// What the seats cost.
        expected: Money,
        /// What was paid.
        paid: Money,
    },
}

/// Books the seats of each reservation that is PENDING, whose seats are all still its own and whose payment
/// is SUCCESS with the right amount and currency. The time doesn't matter: the owner of the seats decides.
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
    let rows = sqlx::query_file_as!(
        ConfirmRow,
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
        let outcome = row.judge();
        if matches!(outcome, ConfirmOutcome::Confirmed) {
            seats += usize::from(row.seat_count.unwrap_or_default().unsigned_abs());
            bookings += 1;
        }
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

/// A reservation as the confirmation saw it. If somebody else has locked it, only its existence is known.
struct ConfirmRow {
    reservation_id: Uuid,
    known: bool,
    status: Option<ReservationStatus>,
    seat_count: Option<i16>,
    seats_own: Option<i64>,
    amount_minor: Option<i64>,
    currency: Option<Currency>,
    payment_status: Option<PaymentStatus>,
    paid_minor: Option<i64>,
    paid_currency: Option<Currency>,
    seated: i64,
    owed: i64,
    confirmed: i64,
}

impl ConfirmRow {
    fn judge(&self) -> ConfirmOutcome {
        let refused = ConfirmOutcome::Refused;
        let money = |(amount, currency)| Money::new(amount, currency);
        let paid = self.paid_minor.zip(self.paid_currency).map(money);
        let expected = self.amount_minor.zip(self.currency).map(money);
        let (own, of) = (self.seats_own.unwrap_or_default(), self.seat_count.unwrap_or_default());
        match (self.status, self.payment_status, expected, paid) {
            (None, ..) if self.known => ConfirmOutcome::Busy,
            (None, ..) | (_, _, None, _) => refused(ConfirmRefusal::Unknown),
            (Some(ReservationStatus::Pending), ..) if own != i64::from(of) => {
                refused(ConfirmRefusal::SeatsLost { own, of })
            }
            (Some(ReservationStatus::Pending), Some(PaymentStatus::Success), Some(expected), Some(paid)) => {
                if paid == expected {
                    ConfirmOutcome::Confirmed
                } else {
                    refused(ConfirmRefusal::AmountDiffers { expected, paid })
                }
            }
            (Some(ReservationStatus::Pending), status, ..) => refused(ConfirmRefusal::NotPaid { status }),
            (Some(status), ..) => refused(ConfirmRefusal::NotPending { status }),
        }
    }
}

/// What a cancellation must know of a booking, its payment and its event.
#[derive(Clone, Debug)]
pub struct ToCancel {
    /// What the booking confirms.
    pub reservation: ReservationId,
    /// The payment that paid for it.
    pub payment: PaymentId,
    /// Its status.
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

/// The result of locking a booking to cancel it.
#[derive(Clone, Debug)]
pub enum LockOutcome {
    /// The booking and its payment are locked.
    Locked(ToCancel),
    /// Another transaction has one of them; nothing was locked that matters.
    Busy,
    /// There is no such booking.
    Unknown,
}

/// Locks a booking's payment and the booking itself. Whoever writes down money has the payment locked, in a batch of
/// other sagas: nobody waits for that here.
///
/// # Errors
/// The database failed.
pub async fn lock_to_cancel(
    connection: &mut PgConnection,
    booking: BookingId,
) -> Result<LockOutcome, StoreError> {
    let row =
        sqlx::query_file!("src/store/sql/lock_to_cancel.sql", booking.uuid(), booking.bucket().number(),)
            .fetch_optional(&mut *connection)
            .await?;
    let Some(row) = row else {
        let known = find(connection, booking).await?.is_some();
        return Ok(if known { LockOutcome::Busy } else { LockOutcome::Unknown });
    };
    Ok(LockOutcome::Locked(ToCancel {
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

/// Cancels a valid booking, which must be locked.
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

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

/// A reservation as the confirmation saw it; of one that is locked by somebody else only that it is there.
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

/// What became of locking a booking to cancel it.
#[derive(Clone, Debug)]
pub enum LockOutcome {
    /// It is locked, and its payment.
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
/// The database's.
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

//! `booking.reservations`, with the claims in `booking.reservation_seats` that stand and fall with them.
//!
//! They are made in `seats::take_all` and confirmed in `bookings::confirm_all`; here they are read and ended.

use crate::money::{Currency, Money};
use crate::status::ReservationStatus;
use crate::store::{StoreError, expect_rows, keys};
use crate::{BookingId, EventId, PaymentId, ReservationId, SeatId, UserId};
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A reservation as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationRow {
    /// Its id.
    pub reservation: ReservationId,
    /// The event.
    pub event: EventId,
    /// The user.
    pub user: UserId,
    /// The saga that runs it.
    pub saga: SagaId,
    /// Its status.
    pub status: ReservationStatus,
    /// The price of all its seats.
    pub amount: Money,
    /// Its seats, also those that it has given back, in the order of their ids.
    pub seats: Vec<SeatId>,
    /// When its hold ends or ended, by the database's clock.
    pub reserved_until: DateTime<Utc>,
    /// The last payment that was ordered for it.
    pub payment: Option<PaymentId>,
    /// The booking that it became.
    pub booking: Option<BookingId>,
    /// The ended reservation that it revives.
    pub revives: Option<ReservationId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was confirmed, expired or cancelled.
    pub ended_at: Option<DateTime<Utc>>,
}

/// The reservation with this id.
///
/// # Errors
/// The database failed.
pub async fn find(
    connection: &mut PgConnection,
    reservation: ReservationId,
) -> Result<Option<ReservationRow>, StoreError> {
    let row = sqlx::query!(
        r#"
        select
            event_id, user_id, saga_id, status as "status: ReservationStatus", amount_minor,
            currency as "currency: Currency", reserved_until, payment_id, booking_id, revives, created_at, ended_at,
            array(
                select c.seat_id from booking.reservation_seats as c
                where c.reservation_id = r.id and c.bucket = r.bucket
                order by c.seat_id
            ) as "seats!"
        from booking.reservations as r
        where r.id = $1 and r.bucket = $2
        "#,
        reservation.uuid(),
        reservation.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| ReservationRow {
        reservation,
        event: EventId::from_uuid(row.event_id),
        user: UserId::from_uuid(row.user_id),
        saga: SagaId::from_uuid(row.saga_id),
        status: row.status,
        amount: Money::new(row.amount_minor, row.currency),
        seats: row.seats.into_iter().map(SeatId::from_uuid).collect(),
        reserved_until: row.reserved_until,
        payment: row.payment_id.map(PaymentId::from_uuid),
        booking: row.booking_id.map(BookingId::from_uuid),
        revives: row.revives.map(ReservationId::from_uuid),
        created_at: row.created_at,
        ended_at: row.ended_at,
    }))
}

/// Locks those of `owners` whose hold has lapsed and for which no payment was ordered.
///
/// A row that another transaction holds is skipped: its owner is ordering, ending or confirming at this very
/// moment, so its seats count as held; waiting for it with seats in our hands is how two nodes would deadlock.
///
/// # Errors
/// The database failed.
pub async fn lock_lapsed(
    connection: &mut PgConnection,
    owners: &BTreeSet<ReservationId>,
    now: DateTime<Utc>,
) -> Result<HashSet<ReservationId>, StoreError> {
    if owners.is_empty() {
        return Ok(HashSet::new());
    }
    let (ids, buckets) = keys(owners.iter().map(|owner| owner.uuid()));
    let lapsed = sqlx::query_scalar!(
        r#"
        select r.id
        from unnest($1::uuid[], $2::smallint[]) as owner (id, bucket)
        join booking.reservations as r on r.id = owner.id and r.bucket = owner.bucket
        where r.status = 'PENDING' and r.payment_id is null and r.reserved_until < $3
        order by r.id, r.bucket
        for no key update of r skip locked
        "#,
        &ids,
        &buckets,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(lapsed.into_iter().map(ReservationId::from_uuid).collect())
}

/// A reservation to be ended without a booking.
#[derive(Clone, Copy, Debug)]
pub struct End {
    /// The reservation to end.
    pub reservation: ReservationId,
    /// EXPIRED or, if a person wanted it so, CANCELLED.
    pub status: ReservationStatus,
}

/// The result of an [`End`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOutcome {
    /// It has ended now, and those of its seats that were still its own are on sale again.
    Ended,
    /// It had ended before, or is confirmed; nothing was written.
    Already(ReservationStatus),
    /// There is no such reservation.
    Unknown,
    /// Another transaction has it locked; nothing was written.
    Busy,
}

/// Ends reservations that are still PENDING and puts their seats back on sale: only those that are still
/// their own, so that ending one twice, or after a takeover, frees nobody else's.
///
/// # Errors
/// The database failed.
pub async fn end_all(
    connection: &mut PgConnection,
    ends: &[End],
    now: DateTime<Utc>,
) -> Result<Vec<EndOutcome>, StoreError> {
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    let mut sorted = ends.to_vec();
    sorted.sort_unstable_by_key(|end| end.reservation);
    sorted.dedup_by_key(|end| end.reservation);
    let (ids, buckets) = keys(sorted.iter().map(|end| end.reservation.uuid()));
    let statuses: Vec<String> = sorted.iter().map(|end| end.status.as_str().to_owned()).collect();
    let rows = sqlx::query_file!("src/store/sql/end_reservations.sql", &ids, &buckets, &statuses, now)
        .fetch_all(connection)
        .await?;
    let mut outcomes: HashMap<ReservationId, EndOutcome> = HashMap::new();
    for row in rows {
        let outcome = match (row.ended, row.before) {
            (true, _) => EndOutcome::Ended,
            // Locked, or ended since the statement began: another one will see which.
            (false, Some(ReservationStatus::Pending)) => EndOutcome::Busy,
            (false, Some(status)) => EndOutcome::Already(status),
            (false, None) => EndOutcome::Unknown,
        };
        outcomes.insert(ReservationId::from_uuid(row.id), outcome);
    }
    Ok(ends
        .iter()
        .map(|end| outcomes.get(&end.reservation).copied().unwrap_or(EndOutcome::Unknown))
        .collect())
}

/// Notes the payment of a pending reservation: from then on only its own saga gives the seats back.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn note_payment(
    connection: &mut PgConnection,
    reservation: ReservationId,
    payment: PaymentId,
) -> Result<(), StoreError> {
    let noted = sqlx::query!(
        r#"
        update booking.reservations set payment_id = $3
        where id = $1 and bucket = $2 and status = 'PENDING'
        "#,
        reservation.uuid(),
        reservation.bucket().number(),
        payment.uuid(),
    )
    .execute(connection)
    .await?;
    expect_rows("the payment of a reservation", 1, noted.rows_affected() as i64)
}

/// What became of moving the end of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendOutcome {
    /// Reservation and seats are held until then, or longer if they were.
    Extended,
    /// It is no longer pending, or was taken over; nothing was written.
    NotPending,
}

/// Moves the end of a pending reservation's hold, of the reservation and all its seats together. Never back: whoever
/// was told a time may count on it.
///
/// # Errors
/// [`StoreError`]; the caller's transaction must then be rolled back.
pub async fn extend(
    connection: &mut PgConnection,
    reservation: ReservationId,
    seats: usize,
    until: DateTime<Utc>,
) -> Result<ExtendOutcome, StoreError> {
    let row = sqlx::query_file!(
        "src/store/sql/extend_reservation.sql",
        reservation.uuid(),
        reservation.bucket().number(),
        until,
    )
    .fetch_one(connection)
    .await?;
    if !row.moved {
        return Ok(ExtendOutcome::NotPending);
    }
    expect_rows("the seats of an extended reservation", seats, row.seats)?;
    Ok(ExtendOutcome::Extended)
}

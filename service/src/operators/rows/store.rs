//! Reads a saga's rows: each function is one statement, in the saga's bucket, without a lock.

use super::super::Money;
use super::standing::{
    BookingStanding, LedgerStanding, PaymentStanding, ReservationStanding, SeatStanding, listed,
};
use orchestrator::Bucket;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use steps::{EventId, ReservationId, SeatId, UserId, locks::Hold, store::seats::Held};
use uuid::Uuid;

/// Reservations with their seats; the customer's name is left out.
pub(super) async fn reservations(
    connection: &mut PgConnection,
    bucket: Bucket,
    ids: &BTreeSet<Uuid>,
) -> Result<Vec<ReservationStanding>, sqlx::Error> {
    let mut seats = seats(connection, bucket, ids).await?;
    let (ids, bucket) = listed(ids, bucket);
    let rows = sqlx::query!(
        "select r.id, r.status, r.event_id, e.name as event, r.user_id, r.amount_minor, r.currency, r.reserved_until,
                r.payment_id, r.booking_id, r.revives, r.created_at, r.ended_at
         from booking.reservations r
         join booking.events e on e.id = r.event_id and e.bucket = r.bucket
         where r.id = any($1) and r.bucket = $2
         order by r.id",
        &ids,
        bucket,
    )
    .fetch_all(connection)
    .await?;
    let standing = rows.into_iter().map(|row| ReservationStanding {
        id: row.id,
        status: row.status,
        event_id: row.event_id,
        event: row.event,
        user_id: row.user_id,
        user: None,
        amount: Money { amount: row.amount_minor, currency: row.currency },
        reserved_until: row.reserved_until,
        payment_id: row.payment_id,
        booking_id: row.booking_id,
        revives: row.revives,
        created_at: row.created_at,
        ended_at: row.ended_at,
        seats: seats.remove(&row.id).unwrap_or_default(),
    });
    Ok(standing.collect())
}

async fn seats(
    connection: &mut PgConnection,
    bucket: Bucket,
    reservations: &BTreeSet<Uuid>,
) -> Result<HashMap<Uuid, Vec<SeatStanding>>, sqlx::Error> {
    let (ids, bucket) = listed(reservations, bucket);
    let rows = sqlx::query!(
        r#"select c.reservation_id, c.seat_id, c.hold, s.section, s.row_name, s.number, s.status, s.reserved_until,
                coalesce(s.reservation_id = c.reservation_id and s.hold = c.hold, false) as "own!"
         from booking.reservation_seats c
         join booking.seats s on s.id = c.seat_id and s.bucket = c.bucket
         where c.reservation_id = any($1) and c.bucket = $2
         order by c.reservation_id, c.seat_id"#,
        &ids,
        bucket,
    )
    .fetch_all(connection)
    .await?;
    let mut seats: HashMap<Uuid, Vec<SeatStanding>> = HashMap::new();
    for row in rows {
        seats.entry(row.reservation_id).or_default().push(SeatStanding {
            id: row.seat_id,
            label: format!("{} {} {}", row.section, row.row_name, row.number),
            status: row.status,
            own: row.own,
            hold: row.hold,
            reserved_until: row.reserved_until,
        });
    }
    Ok(seats)
}

/// Payments, each with the sums of its ledger.
pub(super) async fn payments(
    connection: &mut PgConnection,
    bucket: Bucket,
    ids: &BTreeSet<Uuid>,
) -> Result<Vec<PaymentStanding>, sqlx::Error> {
    let mut sums = sums(connection, bucket, ids).await?;
    let (ids, bucket) = listed(ids, bucket);
    let rows = sqlx::query!(
        "select id, reservation_id, status, money, amount_minor, currency, gateway, gateway_reference, failure, disputed,
                late_for, created_at, settled_at
         from booking.payments
         where id = any($1) and bucket = $2
         order by id",
        &ids,
        bucket,
    )
    .fetch_all(connection)
    .await?;
    let standing = rows.into_iter().map(|row| PaymentStanding {
        id: row.id,
        reservation_id: row.reservation_id,
        status: row.status,
        money: row.money,
        amount: Money { amount: row.amount_minor, currency: row.currency },
        gateway: row.gateway,
        gateway_reference: row.gateway_reference,
        failure: row.failure,
        disputed: row.disputed,
        late_for: row.late_for,
        created_at: row.created_at,
        settled_at: row.settled_at,
        ledger: sums.remove(&row.id).unwrap_or_default(),
    });
    Ok(standing.collect())
}

/// Read apart from the payments, so that the view sums up only the rows of these payments.
async fn sums(
    connection: &mut PgConnection,
    bucket: Bucket,
    payments: &BTreeSet<Uuid>,
) -> Result<HashMap<Uuid, LedgerStanding>, sqlx::Error> {
    let (ids, bucket) = listed(payments, bucket);
    let rows = sqlx::query!(
        r#"select payment_id as "payment!", held_minor as "held!", captured_minor as "captured!",
                refunded_minor as "refunded!", owed_minor as "owed!", disputed_minor as "disputed!"
         from booking.ledger_sums
         where payment_id = any($1) and bucket = $2"#,
        &ids,
        bucket,
    )
    .fetch_all(connection)
    .await?;
    let sums = rows.into_iter().map(|row| {
        let ledger = LedgerStanding {
            held_minor: row.held,
            captured_minor: row.captured,
            refunded_minor: row.refunded,
            owed_minor: row.owed,
            disputed_minor: row.disputed,
        };
        (row.payment, ledger)
    });
    Ok(sums.collect())
}

/// Bookings, without their codes.
pub(super) async fn bookings(
    connection: &mut PgConnection,
    bucket: Bucket,
    ids: &BTreeSet<Uuid>,
) -> Result<Vec<BookingStanding>, sqlx::Error> {
    let (ids, bucket) = listed(ids, bucket);
    sqlx::query_as!(
        BookingStanding,
        "select id, status, reservation_id, payment_id, created_at, cancelled_at
         from booking.bookings
         where id = any($1) and bucket = $2
         order by id",
        &ids,
        bucket,
    )
    .fetch_all(connection)
    .await
}

/// A user's name, in the bucket of the user.
pub(super) async fn user_name(
    connection: &mut PgConnection,
    user: Uuid,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select name from booking.users where id = $1 and bucket = $2",
        user,
        Bucket::of_id(user).number(),
    )
    .fetch_optional(connection)
    .await
}

/// A pending reservation as the seat locks need it.
pub(super) async fn hold(
    connection: &mut PgConnection,
    reservation: ReservationId,
) -> Result<Option<Hold>, sqlx::Error> {
    let rows = sqlx::query!(
        "select r.user_id, r.event_id, r.reserved_until, c.seat_id, c.hold
         from booking.reservations r
         join booking.reservation_seats c on c.reservation_id = r.id and c.bucket = r.bucket and c.live
         where r.id = $1 and r.bucket = $2 and r.status = 'PENDING'
         order by c.seat_id",
        reservation.uuid(),
        reservation.bucket().number(),
    )
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    Ok(Some(Hold {
        reservation,
        user: UserId::from_uuid(first.user_id),
        event: EventId::from_uuid(first.event_id),
        reserved_until: first.reserved_until,
        seats: rows.iter().map(|row| Held { seat: SeatId::from_uuid(row.seat_id), hold: row.hold }).collect(),
    }))
}

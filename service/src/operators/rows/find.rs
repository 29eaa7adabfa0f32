//! Finds sagas by a person's word: first the reservations that it means, then the sagas that work on them.
//!
//! An id is looked up in the bucket that it names. Only words that are not ids (a name, a code, a seat's place) are looked
//! up in all buckets, through an index, without locks and with a bound.

use super::word::Word;
use crate::{
    numbers,
    sagas_of_money::{self, Named},
};
use orchestrator::{
    Bucket, SagaId,
    lookup::{self, StartKey},
};
use sqlx::PgConnection;
use std::collections::BTreeSet;
use steps::{PaymentId, gateway::Provider, store::gateway_references};
use uuid::Uuid;

/// The most sagas that a word finds, and the most reservations on the way to them: more than a person reads.
const FOUND_MAX: i64 = 100;
/// The newest events in which a seat is searched by its label alone. Each costs one look into an index.
const EVENTS_MAX: i64 = 1000;
/// The most users that the beginning of a name finds.
const USERS_MAX: i64 = 20;
/// The gateways whose references are stored.
const GATEWAYS: [Provider; 2] = [Provider::Stripe, Provider::Standard];

/// The sagas that a word finds, newest first.
pub(super) async fn sagas(connection: &mut PgConnection, word: &str) -> Result<Vec<SagaId>, sqlx::Error> {
    if word.trim() == numbers::HELD_PAST_TIME {
        let held = numbers::held_past_time(connection, FOUND_MAX).await?;
        return Ok(held.into_iter().map(|held| SagaId::from_uuid(held.saga)).collect());
    }
    let (mut reservations, mut found) = (BTreeSet::new(), BTreeSet::new());
    for reading in Word::readings(word) {
        match reading {
            Word::Id(id) => {
                reservations.extend(by_id(connection, id).await?);
                reservations.extend(of_users(connection, &[id]).await?);
            }
            Word::Address(address) => {
                let user = user_at(connection, &address).await?;
                reservations.extend(of_users(connection, user.as_slice()).await?);
            }
            Word::Code(code) => reservations.extend(by_code(connection, &code).await?),
            Word::Seat { section, row, number, event } => {
                reservations.extend(by_seat(connection, section, row, number, event).await?);
            }
            Word::Reference(reference) => {
                for payment in by_reference(connection, reference).await? {
                    reservations.extend(by_id(connection, payment).await?);
                }
                found.extend(late_or_again(connection, reference).await?);
            }
            Word::Name(name) => {
                let users = users_named(connection, name).await?;
                reservations.extend(of_users(connection, &users).await?);
            }
        }
    }
    found.extend(seeing_to(connection, &reservations).await?);
    let newest = found.into_iter().rev().take(FOUND_MAX as usize);
    Ok(newest.map(SagaId::from_uuid).collect())
}

/// The reservations that an id finds, in the id's bucket; for ids of anything but users.
async fn by_id(connection: &mut PgConnection, id: Uuid) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id as "id!" from booking.reservations where id = $1 and bucket = $2
        union
        select reservation_id from booking.bookings where id = $1 and bucket = $2
        union
        select coalesce(late_for, reservation_id) from booking.payments where id = $1 and bucket = $2
        union
        select reservation_id from booking.reservation_seats where seat_id = $1 and bucket = $2 and live
        "#,
        id,
        Bucket::of_id(id).number(),
    )
    .fetch_all(connection)
    .await
}

/// The newest reservations of users. Reservations are in the buckets of their events, so all buckets are searched.
async fn of_users(connection: &mut PgConnection, users: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    if users.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar!(
        r#"
        select found.id as "id!"
        from unnest($1::uuid[]) as u (id)
        cross join lateral (
            select r.id from booking.reservations r where r.user_id = u.id order by r.id desc limit $2
        ) as found
        "#,
        users,
        FOUND_MAX,
    )
    .fetch_all(connection)
    .await
}

async fn user_at(connection: &mut PgConnection, address: &str) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select id from booking.users where email = $1 and bucket = $2",
        address,
        Bucket::of_key(address).number(),
    )
    .fetch_optional(connection)
    .await
}

async fn users_named(connection: &mut PgConnection, name: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    // Here the special characters of patterns are plain letters.
    let beginning: String = name
        .to_lowercase()
        .chars()
        .flat_map(|letter| matches!(letter, '%' | '_' | '\\').then_some('\\').into_iter().chain([letter]))
        .collect();
    sqlx::query_scalar!(
        "select id from booking.users where lower(name) like $1 || '%' order by lower(name) limit $2",
        beginning,
        USERS_MAX,
    )
    .fetch_all(connection)
    .await
}

async fn by_code(connection: &mut PgConnection, code: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select reservation_id from booking.bookings where code = $1 limit $2",
        code,
        FOUND_MAX
    )
    .fetch_all(connection)
    .await
}

/// The reservations that have the seat with this label now, at an event named by id or name, or at any event.
async fn by_seat(
    connection: &mut PgConnection,
    section: &str,
    row: &str,
    number: i16,
    event: Option<&str>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select s.reservation_id as "id!"
        from (select id, bucket, name from booking.events order by id desc limit $5) as e
        join booking.seats s
            on s.event_id = e.id and s.bucket = e.bucket and s.section = $1 and s.row_name = $2
            and s.number = $3
        where ($4::text is null or e.id::text = $4 or lower(e.name) = lower($4)) and s.reservation_id is not null
        limit $6
        "#,
        section,
        row,
        number,
        event,
        EVENTS_MAX,
        FOUND_MAX,
    )
    .fetch_all(connection)
    .await
}

async fn by_reference(connection: &mut PgConnection, reference: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    let mut payments = Vec::new();
    for gateway in GATEWAYS {
        let found = gateway_references::find(connection, gateway.as_str(), reference).await;
        let found = found.map_err(|error| sqlx::Error::Decode(error.into()))?;
        payments.extend(found.map(PaymentId::uuid));
    }
    Ok(payments)
}

/// Sagas that were started for an object of the gateway: money that came in late, or a refund that failed.
async fn late_or_again(connection: &mut PgConnection, reference: &str) -> Result<Vec<Uuid>, sqlx::Error> {
    let late = GATEWAYS.iter().map(|gateway| sagas_of_money::late_payment(gateway.as_str(), reference, None));
    let keys: Vec<StartKey> = late.chain([sagas_of_money::repayment(reference, None)]).collect();
    let found = lookup::started_under(connection, &keys, FOUND_MAX).await?;
    Ok(found.into_iter().map(|started| started.saga.uuid()).collect())
}

/// All sagas that work on these reservations: their own, those of late money, and those that cancel a booking.
async fn seeing_to(
    connection: &mut PgConnection,
    reservations: &BTreeSet<Uuid>,
) -> Result<Vec<Uuid>, sqlx::Error> {
    if reservations.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = reservations.iter().rev().take(FOUND_MAX as usize).copied().collect();
    let buckets: Vec<i16> = ids.iter().map(|id| Bucket::of_id(*id).number()).collect();
    let rows = sqlx::query_file!("src/operators/rows/seeing_to.sql", &ids, &buckets)
        .fetch_all(&mut *connection)
        .await?;
    let (mut own, mut named) = (Vec::new(), Named::default());
    for row in rows {
        own.extend(row.saga_id);
        let Some(payment) = row.payment_id else { continue };
        let bucket = Bucket::of_id(payment);
        if let (Some(gateway), Some(reference)) = (row.gateway, row.gateway_reference) {
            named.started_under((), sagas_of_money::late_payment(&gateway, &reference, Some(bucket)));
        }
        for reference in row.decided_by.unwrap_or_default() {
            named.decided_by((), &reference, bucket);
        }
        for refund in row.failed_refunds.unwrap_or_default() {
            named.started_under((), sagas_of_money::repayment(&refund, Some(bucket)));
        }
    }
    own.extend(named.find(connection).await?.into_iter().map(|(_, saga, _)| saga.uuid()));
    Ok(own)
}

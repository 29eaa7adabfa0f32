//! `usher.outbox`: messages to the outside, written in the commit that decided them, and marked once a handler has taken them.

use super::columns;
use crate::{
    id::{Bucket, SagaId},
    record::Position,
};
use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

/// A message for a batch to write, with the position of the entry that it was emitted with.
pub(crate) struct New {
    pub saga: SagaId,
    pub position: Position,
    /// Its number among the entry's messages, from 0.
    pub ordinal: i32,
    pub kind: String,
    pub payload: String,
}

/// The key of a message. A saga's messages are in order of position and ordinal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageKey {
    /// The saga that emitted it.
    pub saga: SagaId,
    /// The position of the journal entry that it was emitted with.
    pub position: i32,
    /// Its number among the entry's messages, from 0.
    pub ordinal: i32,
}

/// A message of a saga to the outside.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its key.
    pub key: MessageKey,
    /// Its type, such as `booking.confirmed`.
    pub kind: String,
    /// Its data, as JSON.
    pub payload: Box<RawValue>,
    /// The database's time of the commit that decided it, or a little before.
    pub decided_at: DateTime<Utc>,
    /// When a handler took it; `None` if none has.
    pub taken_at: Option<DateTime<Utc>>,
}

impl MessageKey {
    /// The bucket of its row.
    pub fn bucket(&self) -> Bucket {
        self.saga.bucket()
    }
}

/// A message's columns.
pub(super) struct Raw {
    pub saga_id: Uuid,
    pub position: i32,
    pub ordinal: i32,
    pub kind: String,
    pub payload: Json<Box<RawValue>>,
    pub created_at: DateTime<Utc>,
    pub delivered_at: Option<DateTime<Utc>>,
}

impl From<Raw> for Message {
    fn from(row: Raw) -> Self {
        let saga = SagaId::from_uuid(row.saga_id);
        Self {
            key: MessageKey { saga, position: row.position, ordinal: row.ordinal },
            kind: row.kind,
            payload: row.payload.0,
            decided_at: row.created_at,
            taken_at: row.delivered_at,
        }
    }
}

/// Adds messages.
pub(crate) async fn add(
    connection: &mut PgConnection,
    messages: &[New],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(messages.iter().map(|message| message.saga));
    let positions: Vec<i32> = messages.iter().map(|message| message.position.index()).collect();
    let ordinals: Vec<i32> = messages.iter().map(|message| message.ordinal).collect();
    let kinds: Vec<&str> = messages.iter().map(|message| message.kind.as_str()).collect();
    let payloads: Vec<&str> = messages.iter().map(|message| message.payload.as_str()).collect();
    sqlx::query!(
        r#"
        insert into usher.outbox (saga_id, bucket, position, ordinal, kind, payload, created_at)
        select id, bucket, position, ordinal, kind, payload::json, $7
        from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::text[], $6::text[])
            as message (id, bucket, position, ordinal, kind, payload)
        "#,
        &ids,
        &buckets,
        &positions,
        &ordinals,
        &kinds as &[&str],
        &payloads as &[&str],
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sagas with messages that are not taken and were decided after `since`, longest waiting first. It leaves out `resting`
/// sagas, and reads at most `most` messages.
pub(crate) async fn list_waiting(
    connection: &mut PgConnection,
    since: DateTime<Utc>,
    resting: &[SagaId],
    most: usize,
) -> Result<Vec<SagaId>, sqlx::Error> {
    let (resting, _) = columns(resting.iter().copied());
    let waiting = sqlx::query_scalar!(
        "select saga_id
         from usher.outbox
         where delivered_at is null and created_at > $1 and saga_id <> all($2)
         order by created_at
         limit $3",
        since,
        &resting,
        most as i64,
    )
    .fetch_all(connection)
    .await?;
    let mut sagas: Vec<SagaId> = Vec::with_capacity(waiting.len());
    let mut known = std::collections::HashSet::with_capacity(waiting.len());
    sagas.extend(waiting.into_iter().map(SagaId::from_uuid).filter(|saga| known.insert(*saga)));
    Ok(sagas)
}

/// Locks the first message of each of these sagas that is not taken, and returns it with those after it: the first `most`
/// messages in order of their sagas. A saga whose first message somebody else has locked is left out.
///
/// A saga commits its messages one after another, so this statement also sees all messages before one that it sees. And a
/// node must lock the first message to take any, so nobody takes messages behind our lock.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    sagas: &[SagaId],
    since: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Message>, sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().copied());
    let rows = sqlx::query_as!(
        Raw,
        r#"
        with first as materialized (
            select wanted.id as saga_id, wanted.bucket, m.position, m.ordinal
            from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
            cross join lateral (
                select position, ordinal
                from usher.outbox
                where saga_id = wanted.id and bucket = wanted.bucket and delivered_at is null and created_at > $3
                order by position, ordinal
                limit 1
            ) as m
        ),
        locked as materialized (
            select m.saga_id, m.bucket
            from first
            join usher.outbox m using (saga_id, bucket, position, ordinal)
            where m.delivered_at is null
            order by m.saga_id, m.bucket
            for update of m skip locked
        )
        select m.saga_id, m.position, m.ordinal, m.kind, m.payload as "payload: Json<Box<RawValue>>", m.created_at,
               m.delivered_at
        from locked
        join usher.outbox m using (saga_id, bucket)
        where m.delivered_at is null and m.created_at > $3
        order by m.saga_id, m.position, m.ordinal
        limit $4
        "#,
        &ids,
        &buckets,
        since,
        most as i64,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// Marks messages as taken.
pub(crate) async fn mark_taken(
    connection: &mut PgConnection,
    keys: &[MessageKey],
) -> Result<(), sqlx::Error> {
    let Keys { sagas, buckets, positions, ordinals } = keys.iter().collect();
    sqlx::query!(
        r#"
        update usher.outbox m
        set delivered_at = now()
        from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[])
            as taken (saga_id, bucket, position, ordinal)
        where m.saga_id = taken.saga_id and m.bucket = taken.bucket
          and m.position = taken.position and m.ordinal = taken.ordinal
        "#,
        &sagas,
        &buckets,
        &positions,
        &ordinals,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes at most `most` messages that were decided before `before`, of sagas before `first_kept`. Returns how many.
pub(crate) async fn delete_old(
    connection: &mut PgConnection,
    first_kept: Uuid,
    before: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        r#"
        delete from usher.outbox
        where (saga_id, bucket, position, ordinal) in (
            select saga_id, bucket, position, ordinal
            from usher.outbox
            where saga_id < $1 and created_at < $2
            order by saga_id
            limit $3
            for update skip locked
        )
        "#,
        first_kept,
        before,
        most,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

/// Keys as columns for `unnest`.
#[derive(Default)]
pub(super) struct Keys {
    pub sagas: Vec<Uuid>,
    pub buckets: Vec<i16>,
    pub positions: Vec<i32>,
    pub ordinals: Vec<i32>,
}

impl<'a> FromIterator<&'a MessageKey> for Keys {
    fn from_iter<T: IntoIterator<Item = &'a MessageKey>>(keys: T) -> Self {
        let mut columns = Self::default();
        for key in keys {
            columns.sagas.push(key.saga.uuid());
            columns.buckets.push(key.bucket().number());
            columns.positions.push(key.position);
            columns.ordinals.push(key.ordinal);
        }
        columns
    }
}

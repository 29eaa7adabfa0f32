//! `usher.mailbox`: letters from outside. The journal says which one was chosen. Only refused letters are removed, and old
//! ones together with their sagas.

use super::columns;
use crate::id::SagaId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A letter to a saga.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub kind: Kind,
    /// The signal's name; empty for a cancellation.
    pub name: String,
    /// The sender's id for this letter: the same id is the same letter.
    pub sender: String,
    pub payload: String,
}

/// The kind of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message of a type that the workflow knows.
    Signal,
    /// A request to turn back.
    Cancel,
}

impl Kind {
    /// The word in the `kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Cancel => "cancel",
        }
    }
}

/// A letter as the mailbox has it.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its kind.
    pub kind: Kind,
    /// The signal's name; empty for a cancellation.
    pub name: String,
    /// The sender's id for it.
    pub sender: String,
    /// The content, as JSON.
    pub payload: String,
    /// When the database received it.
    pub received_at: DateTime<Utc>,
}

/// Adds letters. An existing letter stays as it is.
pub(crate) async fn add(
    connection: &mut PgConnection,
    letters: &[(SagaId, &Letter, bool)],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(letters.iter().map(|(saga, _, _)| *saga));
    let kinds: Vec<&str> = letters.iter().map(|(_, letter, _)| letter.kind.as_str()).collect();
    let names: Vec<&str> = letters.iter().map(|(_, letter, _)| letter.name.as_str()).collect();
    let senders: Vec<&str> = letters.iter().map(|(_, letter, _)| letter.sender.as_str()).collect();
    let payloads: Vec<&str> = letters.iter().map(|(_, letter, _)| letter.payload.as_str()).collect();
    let orphans: Vec<bool> = letters.iter().map(|(_, _, orphan)| *orphan).collect();
    sqlx::query!(
        r#"
        insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, orphan, received_at)
        select id, bucket, kind, name, sender, payload::json, orphan, $8
        from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
            as letter (id, bucket, kind, name, sender, payload, orphan)
        on conflict do nothing
        "#,
        &ids,
        &buckets,
        &kinds as &[&str],
        &names as &[&str],
        &senders as &[&str],
        &payloads as &[&str],
        &orphans,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Letters that one statement reads for a batch. If there are more, a saga is being flooded.
const AT_ONCE_MAX: usize = 4096;
/// Letters of one name that are read for a saga that is flooded, besides those that it has already chosen: more than one
/// stretch can choose.
const NEXT_MAX: usize = 64;

/// Reads the mailboxes of locked sagas, in the order in which letters count. For each saga the caller gives the number of
/// letters that it has chosen. This must be a statement of its own after the lock: one that began before the lock could
/// miss a letter whose sender has just released the row.
pub async fn read(
    connection: &mut PgConnection,
    sagas: &[(SagaId, usize)],
) -> Result<HashMap<SagaId, Vec<Received>>, sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().map(|(saga, _)| *saga));
    // It has no order, because a whole flood would be sorted before the first row is returned.
    let rows = sqlx::query_as!(
        Raw,
        r#"
        select m.saga_id, m.kind, m.name, m.sender, m.payload::text as "payload!", m.received_at
        from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
        join usher.mailbox m on m.saga_id = wanted.id and m.bucket = wanted.bucket
        limit $3
        "#,
        &ids,
        &buckets,
        AT_ONCE_MAX as i64 + 1,
    )
    .fetch_all(&mut *connection)
    .await?;
    if rows.len() <= AT_ONCE_MAX {
        return Ok(sorted(rows));
    }
    let mut next = Vec::new();
    for (saga, chosen) in sagas {
        next.extend(read_next(connection, *saga, chosen + NEXT_MAX).await?);
    }
    Ok(sorted(next))
}

/// Reads the first letters of each name of one saga. It goes from name to name through the index, so that its cost depends
/// only on what it returns.
async fn read_next(
    connection: &mut PgConnection,
    saga: SagaId,
    most: usize,
) -> Result<Vec<Raw>, sqlx::Error> {
    sqlx::query_as!(
        Raw,
        r#"
        with recursive names as (
            (
                select kind, name
                from usher.mailbox
                where saga_id = $1 and bucket = $2
                order by kind, name
                limit 1
            )
            union all
            select next.kind, next.name
            from names n
            cross join lateral (
                select m.kind, m.name
                from usher.mailbox m
                where m.saga_id = $1 and m.bucket = $2 and (m.kind, m.name) > (n.kind, n.name)
                order by m.kind, m.name
                limit 1
            ) as next
        )
        select m.saga_id as "saga_id!", m.kind as "kind!", m.name as "name!", m.sender as "sender!",
               m.payload::text as "payload!", m.received_at as "received_at!"
        from names n
        cross join lateral (
            select m.saga_id, m.kind, m.name, m.sender, m.payload, m.received_at
            from usher.mailbox m
            where m.saga_id = $1 and m.bucket = $2 and m.kind = n.kind and m.name = n.name
            order by m.received_at, m.sender
            limit $3
        ) as m
        "#,
        saga.uuid(),
        saga.bucket().number(),
        most as i64,
    )
    .fetch_all(connection)
    .await
}

struct Raw {
    saga_id: Uuid,
    kind: String,
    name: String,
    sender: String,
    payload: String,
    received_at: DateTime<Utc>,
}

fn sorted(rows: Vec<Raw>) -> HashMap<SagaId, Vec<Received>> {
    let mut letters: HashMap<SagaId, Vec<Received>> = HashMap::new();
    for row in rows {
        let kind = if row.kind == "cancel" { Kind::Cancel } else { Kind::Signal };
        letters.entry(SagaId::from_uuid(row.saga_id)).or_default().push(Received {
            kind,
            name: row.name,
            sender: row.sender,
            payload: row.payload,
            received_at: row.received_at,
        });
    }
    for of_one in letters.values_mut() {
        of_one.sort_by(|one, other| (one.received_at, &one.sender).cmp(&(other.received_at, &other.sender)));
    }
    letters
}

/// Delivers one letter from outside the lanes, waiting for the saga's row: either the lane that parks the saga sees the
/// letter, or the letter sees the parked row and makes it due. Returns whether the saga exists.
pub(crate) async fn deliver(
    connection: &mut PgConnection,
    saga: SagaId,
    letter: &Letter,
) -> Result<bool, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"
        with saga as materialized (
            select id, bucket, state, leased, paused
            from usher.sagas
            where id = $1 and bucket = $2
            for update
        ),
        letter as (
            insert into usher.mailbox (saga_id, bucket, kind, name, sender, payload, orphan, received_at)
            select $1, $2, $3, $4, $5, $6::text::json, not exists (select from saga), now()
            on conflict do nothing
            returning saga_id
        ),
        woken as (
            update usher.sagas s
            set due_at = least(s.due_at, now())
            from saga, letter
            where s.id = saga.id and s.bucket = saga.bucket
              and saga.state in ('running', 'waiting', 'unwinding') and not saga.leased and not saga.paused
        )
        select exists (select from saga) as "known!"
        "#,
        saga.uuid(),
        saga.bucket().number(),
        letter.kind.as_str(),
        letter.name,
        letter.sender,
        letter.payload,
    )
    .fetch_one(connection)
    .await?;
    Ok(known)
}

/// Removes a cancellation. It locks the saga's row, so that no lane is moving the saga. Afterwards the cancellation has been
/// acted on, and the journal says so, or it never will be.
pub(crate) async fn withdraw_cancel(
    connection: &mut PgConnection,
    saga: SagaId,
    sender: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with saga as materialized (
            select id, bucket
            from usher.sagas
            where id = $1 and bucket = $2
            for update
        )
        delete from usher.mailbox m
        using saga
        where m.saga_id = saga.id and m.bucket = saga.bucket and m.kind = 'cancel' and m.sender = $3
        "#,
        saga.uuid(),
        saga.bucket().number(),
        sender,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes a saga due whose letters came before it, so that its next holder reads its mailbox.
pub(crate) async fn adopt(connection: &mut PgConnection, saga: SagaId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with adopted as (
            update usher.mailbox
            set orphan = false
            where saga_id = $1 and bucket = $2 and orphan
            returning saga_id
        )
        update usher.sagas
        set due_at = least(due_at, now())
        where id = $1 and bucket = $2 and exists (select from adopted)
          and state in ('running', 'waiting', 'unwinding') and not leased and not paused
        "#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

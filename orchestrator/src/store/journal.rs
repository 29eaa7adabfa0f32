//! `usher.journal`: one row for each stretch, append-only.

use super::columns;
use crate::{
    id::SagaId,
    journal::{Entry, Unreadable},
    record::JournalEntry,
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;

/// The entries of one stretch, encoded.
pub(crate) struct Stretch {
    pub id: SagaId,
    pub position: i32,
    pub entries: String,
    pub epoch: i64,
}

/// Appends stretches. The primary key refuses a position that is taken.
pub(crate) async fn append(
    connection: &mut PgConnection,
    stretches: &[Stretch],
    token: i64,
    node: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(stretches.iter().map(|stretch| stretch.id));
    let positions: Vec<i32> = stretches.iter().map(|stretch| stretch.position).collect();
    let entries: Vec<&str> = stretches.iter().map(|stretch| stretch.entries.as_str()).collect();
    let epochs: Vec<i64> = stretches.iter().map(|stretch| stretch.epoch).collect();
    sqlx::query!(
        r#"
        insert into usher.journal (saga_id, bucket, position, entries, epoch, token, written_at, node)
        select id, bucket, position, entries::json, epoch, $6, $7, $8
        from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::text[], $5::bigint[])
            as stretch (id, bucket, position, entries, epoch)
        "#,
        &ids,
        &buckets,
        &positions,
        &entries as &[&str],
        &epochs,
        token,
        now,
        node,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Journals by saga, or the reason why one can't be read.
pub(crate) type Journals = HashMap<SagaId, Result<Vec<Entry>, Unreadable>>;

/// Reads whole journals.
pub(crate) async fn read(connection: &mut PgConnection, sagas: &[SagaId]) -> Result<Journals, sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().copied());
    let rows = sqlx::query!(
        r#"
        select j.saga_id, j.entries::text as "entries!"
        from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
        join usher.journal j on j.saga_id = wanted.id and j.bucket = wanted.bucket
        order by j.saga_id, j.position
        "#,
        &ids,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    let mut journals = Journals::with_capacity(sagas.len());
    for row in rows {
        let journal = journals.entry(SagaId::from_uuid(row.saga_id)).or_insert_with(|| Ok(Vec::new()));
        match (serde_json::from_str::<Vec<Entry>>(&row.entries), journal.as_mut()) {
            (Ok(entries), Ok(journal)) => journal.extend(entries),
            (Err(error), Ok(_)) => *journal = Err(error.into()),
            (_, Err(_)) => {}
        }
    }
    Ok(journals)
}

/// One saga's entries as they are stored, with the nodes that wrote them.
pub async fn read_rows(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<Vec<JournalEntry>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select position as "position!", kind as "kind!", body as "body!: Value", epoch as "epoch!", node,
               written_at as "written_at!"
        from usher.journal_entries
        where saga_id = $1 and bucket = $2
        order by position
        "#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_all(connection)
    .await?;
    let entries = rows.into_iter().map(|row| JournalEntry {
        position: row.position.into(),
        kind: row.kind,
        body: row.body,
        epoch: row.epoch,
        node: row.node,
        written_at: row.written_at,
    });
    Ok(entries.collect())
}

/// Whether the batch with this token has committed, read from one saga that it wrote entries for.
pub(crate) async fn has_token(
    connection: &mut PgConnection,
    saga: SagaId,
    token: i64,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"
        select exists (
            select from usher.sagas where id = $1 and bucket = $2 and token = $3
            union all
            select from usher.journal where saga_id = $1 and bucket = $2 and token = $3
        ) as "found!"
        "#,
        saga.uuid(),
        saga.bucket().number(),
        token,
    )
    .fetch_one(connection)
    .await?;
    Ok(found)
}

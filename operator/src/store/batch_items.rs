//! `usher.batch_items`: the sagas of each batch, in the batch's bucket.

use super::batches::Course;
use crate::record::{BatchId, BatchItem, ItemResult, Tally};
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use sqlx::PgConnection;
use uuid::Uuid;

/// A note on an item.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub number: i32,
    pub result: ItemResult,
    pub why: Option<String>,
    /// Whether the result is final.
    pub settled: bool,
}

/// An item of a round that is not settled yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Open {
    pub number: i32,
    pub saga: SagaId,
    /// When the action was done. `None`: nothing was done yet, as far as the list knows.
    pub acted_at: Option<DateTime<Utc>>,
}

/// Adds sagas to a batch, the first under the number after `after`.
pub(crate) async fn add(
    connection: &mut PgConnection,
    batch: BatchId,
    after: i32,
    sagas: &[SagaId],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = sagas.iter().map(|saga| saga.uuid()).collect();
    sqlx::query!(
        r#"
        insert into usher.batch_items (batch_id, bucket, number, saga_id)
        select $1, $2, $3 + item.number::integer, item.saga_id
        from unnest($4::uuid[]) with ordinality as item (saga_id, number)
        "#,
        batch.uuid(),
        batch.bucket().number(),
        after,
        &ids,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The items of the present round that have not settled, in order.
pub(crate) async fn open(
    connection: &mut PgConnection,
    batch: BatchId,
    course: Course,
) -> Result<Vec<Open>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select number, saga_id, acted_at
        from usher.batch_items
        where batch_id = $1 and bucket = $2 and number > $3 and number <= $4 and settled_at is null
        order by number
        "#,
        batch.uuid(),
        batch.bucket().number(),
        course.round_after,
        course.round_to,
    )
    .fetch_all(connection)
    .await?;
    let open = |number, saga, acted_at| Open { number, saga: SagaId::from_uuid(saga), acted_at };
    Ok(rows.into_iter().map(|row| open(row.number, row.saga_id, row.acted_at)).collect())
}

/// The results of the present round.
pub(crate) async fn tally(
    connection: &mut PgConnection,
    batch: BatchId,
    course: Course,
) -> Result<Tally, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select count(*) filter (where result = 'acted') as "acted!",
               count(*) filter (where result = 'mended') as "mended!",
               count(*) filter (where result = 'stuck_again') as "stuck_again!",
               count(*) filter (where result = 'refused') as "refused!",
               count(*) filter (where result = 'failed') as "failed!"
        from usher.batch_items
        where batch_id = $1 and bucket = $2 and number > $3 and number <= $4
        "#,
        batch.uuid(),
        batch.bucket().number(),
        course.round_after,
        course.round_to,
    )
    .fetch_one(connection)
    .await?;
    let [acted, mended, stuck_again, refused, failed] =
        [row.acted, row.mended, row.stuck_again, row.refused, row.failed].map(|count| count as i32);
    Ok(Tally { acted, mended, stuck_again, refused, failed })
}

/// Notes the results of items; the node that holds the batch has locked its row. Returns how many were open.
pub(crate) async fn note(
    connection: &mut PgConnection,
    batch: BatchId,
    notes: &[Note],
) -> Result<u64, sqlx::Error> {
    let numbers: Vec<i32> = notes.iter().map(|note| note.number).collect();
    let results: Vec<&str> = notes.iter().map(|note| note.result.as_str()).collect();
    let whys: Vec<Option<String>> = notes.iter().map(|note| note.why.clone()).collect();
    let settled: Vec<bool> = notes.iter().map(|note| note.settled).collect();
    let noted = sqlx::query!(
        r#"
        update usher.batch_items i
        set result = n.result, why = n.why, settled_at = case when n.settled then now() end,
            acted_at = case when n.result in ('refused', 'failed') then i.acted_at else coalesce(i.acted_at, now()) end
        from unnest($3::integer[], $4::text[], $5::text[], $6::boolean[]) as n (number, result, why, settled)
        where i.batch_id = $1 and i.bucket = $2 and i.number = n.number and i.settled_at is null
        "#,
        batch.uuid(),
        batch.bucket().number(),
        &numbers,
        &results as &[&str],
        &whys as &[Option<String>],
        &settled,
    )
    .execute(connection)
    .await?;
    Ok(noted.rows_affected())
}

/// A page of a batch's items, in order: all, or those with one result.
pub(crate) async fn list(
    connection: &mut PgConnection,
    batch: BatchId,
    result: Option<ItemResult>,
    after: i32,
    most: i64,
) -> Result<Vec<BatchItem>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select number, saga_id, result, why, acted_at, settled_at
        from usher.batch_items
        where batch_id = $1 and bucket = $2 and number > $3 and ($4::text is null or result = $4)
        order by number
        limit $5
        "#,
        batch.uuid(),
        batch.bucket().number(),
        after,
        result.map(ItemResult::as_str),
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(BatchItem {
                number: row.number,
                saga: SagaId::from_uuid(row.saga_id),
                result: row.result.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?,
                why: row.why,
                acted_at: row.acted_at,
                settled_at: row.settled_at,
            })
        })
        .collect()
}

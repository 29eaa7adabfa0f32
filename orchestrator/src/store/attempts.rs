//! `usher.attempts`: attempts that failed without an entry.

use super::columns;
use crate::{
    id::SagaId,
    record::{Attempt, Position},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// The most attempts that are kept for one saga: a debt that is tried for weeks must not fill the table. The oldest are
/// removed.
pub(crate) const KEPT_MAX: i64 = 200;

/// The most bytes of an error that are kept. The whole error was logged where it happened, or the other side has it.
const ERROR_BYTES_MAX: usize = 2_000;

/// An attempt that ended, as it becomes a row.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub saga: SagaId,
    pub epoch: i64,
    pub position: Position,
    pub undo: bool,
    pub number: i32,
    pub began_at: DateTime<Utc>,
    pub error: String,
    pub code: Option<String>,
    pub in_doubt: bool,
}

/// Adds attempts, and removes those past the bound.
pub(crate) async fn add(
    connection: &mut PgConnection,
    ended: &[Ended],
    node: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(ended.iter().map(|attempt| attempt.saga));
    let epochs: Vec<i64> = ended.iter().map(|attempt| attempt.epoch).collect();
    let positions: Vec<i32> = ended.iter().map(|attempt| attempt.position.index()).collect();
    let undos: Vec<bool> = ended.iter().map(|attempt| attempt.undo).collect();
    let numbers: Vec<i32> = ended.iter().map(|attempt| attempt.number).collect();
    let begins: Vec<DateTime<Utc>> = ended.iter().map(|attempt| attempt.began_at).collect();
    let errors: Vec<&str> = ended.iter().map(|attempt| bounded(&attempt.error)).collect();
    let codes: Vec<Option<String>> = ended.iter().map(|attempt| attempt.code.clone()).collect();
    let in_doubt: Vec<bool> = ended.iter().map(|attempt| attempt.in_doubt).collect();
    sqlx::query!(
        r#"
        with ended as (
            select *
            from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::integer[], $5::boolean[], $6::integer[],
                        $7::timestamptz[], $8::text[], $9::text[], $10::boolean[])
                as attempt (id, bucket, epoch, position, undo, number, began_at, error, code, in_doubt)
        ),
        gone as (
            delete from usher.attempts a
            using (select distinct id, bucket from ended) as e
            where a.saga_id = e.id and a.bucket = e.bucket and a.epoch < (
                select min(kept.epoch)
                from (
                    select k.epoch
                    from usher.attempts k
                    where k.saga_id = e.id and k.bucket = e.bucket
                    order by k.epoch desc
                    limit $13
                ) as kept
            )
        )
        insert into usher.attempts
            (saga_id, bucket, epoch, position, undo, number, node, began_at, ended_at, error, code, in_doubt)
        select id, bucket, epoch, position, undo, number, $11, began_at, $12, error, code, in_doubt
        from ended
        on conflict do nothing
        "#,
        &ids,
        &buckets,
        &epochs,
        &positions,
        &undos,
        &numbers,
        &begins,
        &errors as &[&str],
        &codes as &[Option<String>],
        &in_doubt,
        node,
        now,
        KEPT_MAX - 1,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records that the holders of these sagas' leases were lost, so that the outcomes of their calls are unknown. The rows are
/// locked and not yet claimed again.
pub(crate) async fn add_lost(
    connection: &mut PgConnection,
    sagas: &[SagaId],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().copied());
    sqlx::query!(
        r#"
        insert into usher.attempts
            (saga_id, bucket, epoch, position, undo, number, node, began_at, ended_at, error, in_doubt)
        select s.id, s.bucket, s.epoch,
               case when last.entry -> 'undo_started' is not null then (last.entry -> 'undo_started' ->> 'of')::integer
                    when last.entry -> 'started' is not null then s.journal_len - 1
                    else s.journal_len end,
               s.state = 'unwinding', s.attempts, coalesce(s.node, ''), s.updated_at, $3,
               'its node did not come back with an answer', last.entry -> 'started' is not null
        from unnest($1::uuid[], $2::smallint[]) as lost (id, bucket)
        join usher.sagas s on s.id = lost.id and s.bucket = lost.bucket
        left join lateral (
            select j.entries -> -1 as entry
            from usher.journal j
            where j.saga_id = s.id and j.bucket = s.bucket
            order by j.position desc
            limit 1
        ) as last on true
        where s.leased
        on conflict do nothing
        "#,
        &ids,
        &buckets,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The attempts of a saga, oldest first.
pub async fn read(connection: &mut PgConnection, saga: SagaId) -> Result<Vec<Attempt>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select epoch, position, undo, number, node, began_at, ended_at, error, code, in_doubt
        from usher.attempts
        where saga_id = $1 and bucket = $2
        order by epoch, undo, position
        "#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_all(connection)
    .await?;
    let attempts = rows.into_iter().map(|row| Attempt {
        position: row.position.into(),
        undo: row.undo,
        number: row.number,
        epoch: row.epoch,
        node: row.node,
        began_at: row.began_at,
        ended_at: row.ended_at,
        error: row.error,
        code: row.code,
        in_doubt: row.in_doubt,
    });
    Ok(attempts.collect())
}

fn bounded(error: &str) -> &str {
    &error[..error.floor_char_boundary(ERROR_BYTES_MAX)]
}

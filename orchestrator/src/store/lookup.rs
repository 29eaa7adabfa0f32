//! `usher.sagas` and their journals, read without a lock by a saga's id or its start key: its state, its beginning, and the
//! inputs of a step's calls.

use super::columns;
use crate::{Bucket, SagaId, State};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;

/// How a saga began.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's input.
    pub input: Value,
}

/// The start key of a saga.
#[derive(Clone, Debug)]
pub struct StartKey {
    /// The name of the saga's workflow.
    pub workflow: &'static str,
    /// The key that the caller gave.
    pub key: String,
    /// The saga's bucket, if it is known; otherwise all buckets are searched.
    pub bucket: Option<Bucket>,
}

/// A saga that was found by its start key.
#[derive(Clone, Debug)]
pub struct Started {
    /// The saga's id.
    pub saga: SagaId,
    /// Its state.
    pub state: State,
    /// The index of the key that found it.
    pub of: usize,
}

/// The states of these sagas. Removed sagas are missing.
///
/// # Errors
/// The database failed.
pub async fn states(
    connection: &mut PgConnection,
    sagas: &[SagaId],
) -> Result<HashMap<SagaId, State>, sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().copied());
    let rows = sqlx::query!(
        r#"
        select s.id, s.state
        from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
        join usher.sagas s on s.id = wanted.id and s.bucket = wanted.bucket
        "#,
        &ids,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| Ok((SagaId::from_uuid(row.id), read(&row.state)?))).collect()
}

/// The sagas that were started under these keys, at most `most`.
///
/// # Errors
/// The database failed.
pub async fn started_under(
    connection: &mut PgConnection,
    keys: &[StartKey],
    most: i64,
) -> Result<Vec<Started>, sqlx::Error> {
    let workflows: Vec<&str> = keys.iter().map(|one| one.workflow).collect();
    let names: Vec<&str> = keys.iter().map(|one| one.key.as_str()).collect();
    let buckets: Vec<Option<i16>> = keys.iter().map(|one| one.bucket.map(|bucket| bucket.number())).collect();
    let rows = sqlx::query!(
        r#"
        select s.id, s.state, wanted.number as "number!"
        from unnest($1::text[], $2::text[], $3::smallint[]) with ordinality as wanted (workflow, key, bucket, number)
        join usher.sagas s
            on s.workflow = wanted.workflow and s.start_key = wanted.key
            and (wanted.bucket is null or s.bucket = wanted.bucket)
        limit $4
        "#,
        &workflows as &[&str],
        &names as &[&str],
        &buckets as &[Option<i16>],
        most,
    )
    .fetch_all(connection)
    .await?;
    let started = rows.into_iter().map(|row| {
        let of = usize::try_from(row.number - 1).unwrap_or_default();
        Ok(Started { saga: SagaId::from_uuid(row.id), state: read(&row.state)?, of })
    });
    started.collect()
}

/// How a saga began; `None` if there is no such saga, or its journal has no beginning.
///
/// # Errors
/// The database failed.
pub async fn find_beginning(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<Option<Beginning>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select s.workflow, j.entries -> 0 -> 'begun' -> 'input' as input
        from usher.sagas s
        join usher.journal j on j.saga_id = s.id and j.bucket = s.bucket and j.position = 0
        where s.id = $1 and s.bucket = $2
        "#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(|row| Some(Beginning { workflow: row.workflow, input: row.input? })))
}

/// The inputs of a saga's calls of this step that have begun, in order.
///
/// # Errors
/// The database failed.
pub async fn inputs_of(
    connection: &mut PgConnection,
    saga: SagaId,
    step: &str,
) -> Result<Vec<Value>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select body -> 'input' as "input!"
        from usher.journal_entries
        where saga_id = $1 and bucket = $2 and kind = 'started' and body ->> 'step' = $3 and body -> 'input' is not null
        order by position
        "#,
        saga.uuid(),
        saga.bucket().number(),
        step,
    )
    .fetch_all(connection)
    .await
}

fn read(state: &str) -> Result<State, sqlx::Error> {
    state.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))
}

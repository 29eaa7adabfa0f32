//! `usher.audit`: what was done to sagas besides their own course. The engine adds rows; this reads them.

use crate::record::{Audited, BatchId, Which};
use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Whether this batch has acted on this saga. Under the saga's lock the answer is final.
pub(crate) async fn has_acted(
    connection: &mut PgConnection,
    saga: SagaId,
    batch: BatchId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select exists (
            select from usher.audit where saga_id = $1 and bucket = $2 and detail ->> 'batch' = $3
        ) as "acted!"
        "#,
        saga.uuid(),
        saga.bucket().number(),
        batch.to_string(),
    )
    .fetch_one(connection)
    .await
}

/// Rows, latest first, after the one with this id.
pub(crate) async fn list(
    connection: &mut PgConnection,
    which: &Which<'_>,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Audited>, sqlx::Error> {
    // Ids are in order of time, so the primary key gives the order.
    let rows = sqlx::query!(
        r#"
        select id, saga_id, at, actor, action, reason, detail, seq
        from usher.audit
        where ($1::uuid is null or (saga_id = $1 and bucket = $2))
          and ($3::text is null or actor = $3) and ($4::text is null or action = $4)
          and ($5::uuid is null or id < $5)
        order by id desc
        limit $6
        "#,
        which.saga.map(SagaId::uuid),
        which.saga.map(|saga| saga.bucket().number()),
        which.actor,
        which.action,
        after,
        most,
    )
    .fetch_all(connection)
    .await?;
    let audited = rows.into_iter().map(|row| Audited {
        id: row.id,
        saga: SagaId::from_uuid(row.saga_id),
        at: row.at,
        actor: row.actor,
        action: row.action,
        reason: row.reason,
        detail: row.detail.unwrap_or_default(),
        seq: row.seq,
    });
    Ok(audited.collect())
}

/// A row of a chain, with its stored hashes.
pub(crate) struct Chained {
    pub id: Uuid,
    pub bucket: i16,
    pub seq: i64,
    pub saga: Uuid,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub reason: String,
    pub detail: String,
    pub prev_hash: Vec<u8>,
    pub hash: Vec<u8>,
}

/// The next rows of all chains, after this place: a bucket, and a number in its chain.
pub(crate) async fn read_chains(
    connection: &mut PgConnection,
    after: (i16, i64),
    most: i64,
) -> Result<Vec<Chained>, sqlx::Error> {
    sqlx::query_as!(
        Chained,
        r#"
        select id, bucket, seq as "seq!", saga_id as saga, at, actor, action, reason,
               coalesce(detail::text, '') as "detail!", prev_hash as "prev_hash!", hash as "hash!"
        from usher.audit
        where seq is not null and (bucket, seq) > ($1, $2)
        order by bucket, seq
        limit $3
        "#,
        after.0,
        after.1,
        most,
    )
    .fetch_all(connection)
    .await
}

/// Where each chain ends: bucket, number, hash.
pub(crate) async fn list_heads(
    connection: &mut PgConnection,
) -> Result<BTreeMap<i16, (i64, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!("select bucket, seq, hash from usher.audit_heads").fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.bucket, (row.seq, row.hash))).collect())
}

/// The number of rows in no chain: written before there were chains, or by a node that knows none.
pub(crate) async fn count_unchained(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from usher.audit where seq is null"#)
        .fetch_one(connection)
        .await
}

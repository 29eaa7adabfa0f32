//! `usher.audit`: what was done to sagas besides their own course, each row chained to the one before it in its bucket.

use crate::{
    audit::{Audited, Which},
    id::{Bucket, SagaId},
    operator::BatchId,
    record::{Link, digest},
};
use chrono::{DateTime, SubsecRound, Utc};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One thing done.
pub(crate) struct Record {
    pub subject: Subject,
    pub actor: String,
    pub action: &'static str,
    pub reason: String,
    pub detail: String,
}

/// What it was done to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Saga(SagaId),
    /// A batch itself: it was made, paused, agreed to. What it does to sagas is told of the sagas.
    Batch(BatchId),
}

impl Subject {
    fn uuid(self) -> Uuid {
        match self {
            Self::Saga(saga) => saga.uuid(),
            Self::Batch(batch) => batch.uuid(),
        }
    }

    fn bucket(self) -> Bucket {
        Bucket::of_id(self.uuid())
    }
}

impl From<SagaId> for Subject {
    fn from(saga: SagaId) -> Self {
        Self::Saga(saga)
    }
}

impl From<BatchId> for Subject {
    fn from(batch: BatchId) -> Self {
        Self::Batch(batch)
    }
}

/// Writes what was done, in the transaction of its effect. Whoever adds to a bucket's chain holds its head until then;
/// heads are locked in the order of their buckets, and after sagas, so nobody waits in a circle.
pub(crate) async fn add(
    connection: &mut PgConnection,
    records: &[Record],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    // As Postgres keeps it, or the hash would be of another moment.
    let now = now.trunc_subsecs(6);
    let mut by_bucket: BTreeMap<i16, Vec<&Record>> = BTreeMap::new();
    for record in records {
        by_bucket.entry(record.subject.bucket().number()).or_default().push(record);
    }
    for (bucket, records) in by_bucket {
        let (mut seq, mut head) = lock_head(connection, bucket).await?;
        for record in records {
            let id = record.subject.bucket().new_id();
            seq += 1;
            let link = Link {
                id,
                seq,
                saga: record.subject.uuid(),
                at: now,
                actor: &record.actor,
                action: record.action,
                reason: &record.reason,
                detail: &record.detail,
            };
            let hash = digest(&head, &link);
            insert(connection, bucket, &link, &head, &hash).await?;
            head = hash;
        }
        move_head(connection, bucket, seq, &head).await?;
    }
    Ok(())
}

/// Whether this batch has acted on this saga: asked under the saga's lock, it is the truth.
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

async fn lock_head(connection: &mut PgConnection, bucket: i16) -> Result<(i64, Vec<u8>), sqlx::Error> {
    sqlx::query!(
        "insert into usher.audit_heads (bucket, seq, hash) values ($1, 0, '') on conflict do nothing",
        bucket
    )
    .execute(&mut *connection)
    .await?;
    let head = sqlx::query!("select seq, hash from usher.audit_heads where bucket = $1 for update", bucket)
        .fetch_one(connection)
        .await?;
    Ok((head.seq, head.hash))
}

async fn insert(
    connection: &mut PgConnection,
    bucket: i16,
    link: &Link<'_>,
    prev_hash: &[u8],
    hash: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into usher.audit (id, bucket, saga_id, at, actor, action, reason, detail, seq, prev_hash, hash)
        values ($1, $2, $3, $4, $5, $6, $7, $8::text::json, $9, $10, $11)
        "#,
        link.id,
        bucket,
        link.saga,
        link.at,
        link.actor,
        link.action,
        link.reason,
        link.detail,
        link.seq,
        prev_hash,
        hash,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn move_head(
    connection: &mut PgConnection,
    bucket: i16,
    seq: i64,
    hash: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!("update usher.audit_heads set seq = $2, hash = $3 where bucket = $1", bucket, seq, hash)
        .execute(connection)
        .await?;
    Ok(())
}

/// Rows, latest first, after this one.
pub(crate) async fn list(
    connection: &mut PgConnection,
    which: &Which<'_>,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Audited>, sqlx::Error> {
    // Ids are in order of time, so the primary key is the order too.
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

/// A row of a chain, with what it says of its hashes.
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

/// The next rows of all chains, after this one.
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
pub(crate) async fn heads(
    connection: &mut PgConnection,
) -> Result<BTreeMap<i16, (i64, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!("select bucket, seq, hash from usher.audit_heads").fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.bucket, (row.seq, row.hash))).collect())
}

/// Rows without a place in a chain: written before there were chains, or by a node that knows none.
pub(crate) async fn unchained(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from usher.audit where seq is null"#)
        .fetch_one(connection)
        .await
}

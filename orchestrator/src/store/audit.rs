//! `usher.audit`: what was done to sagas besides their own course. Each row is chained to the previous one in its bucket.

use crate::{
    id::Bucket,
    record::{Link, digest},
};
use chrono::{DateTime, SubsecRound, Utc};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// One action.
#[derive(Clone, Debug)]
pub struct Record {
    /// The saga that it was done to, or another bucketed id such as that of a batch.
    pub subject: Uuid,
    /// Who did it; `engine` if it was no person.
    pub actor: String,
    /// The name of the action.
    pub action: &'static str,
    /// Why it was done.
    pub reason: String,
    /// What it found or changed, as JSON.
    pub detail: String,
}

/// Writes rows, in the transaction of their effect, which holds the lock on each chain's head until it ends. Heads are
/// locked in the order of their buckets, and after sagas, so there are no deadlocks.
pub async fn add(
    connection: &mut PgConnection,
    records: &[Record],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    // The time is rounded as Postgres stores it, or the hash would not match the row.
    let now = now.trunc_subsecs(6);
    let mut by_bucket: BTreeMap<i16, Vec<&Record>> = BTreeMap::new();
    for record in records {
        by_bucket.entry(Bucket::of_id(record.subject).number()).or_default().push(record);
    }
    for (bucket, records) in by_bucket {
        let (mut seq, mut head) = lock_head(connection, bucket).await?;
        for record in records {
            let id = Bucket::of_id(record.subject).new_id();
            seq += 1;
            let link = Link {
                id,
                seq,
                saga: record.subject,
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

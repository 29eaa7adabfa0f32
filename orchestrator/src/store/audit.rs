//! `usher.audit`: what was done to sagas besides their own course.

use super::columns;
use crate::SagaId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// One thing done.
pub(crate) struct Record {
    pub saga: SagaId,
    pub actor: String,
    pub action: &'static str,
    pub reason: String,
    pub detail: String,
}

/// Writes what was done, in the transaction of its effect.
pub(crate) async fn add(
    connection: &mut PgConnection,
    records: &[Record],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (sagas, buckets) = columns(records.iter().map(|record| record.saga));
    let ids: Vec<Uuid> = records.iter().map(|record| record.saga.bucket().new_id()).collect();
    let actors: Vec<&str> = records.iter().map(|record| record.actor.as_str()).collect();
    let actions: Vec<&str> = records.iter().map(|record| record.action).collect();
    let reasons: Vec<&str> = records.iter().map(|record| record.reason.as_str()).collect();
    let details: Vec<&str> = records.iter().map(|record| record.detail.as_str()).collect();
    sqlx::query!(
        r#"
        insert into usher.audit (id, bucket, saga_id, at, actor, action, reason, detail)
        select id, bucket, saga_id, $8, actor, action, reason, detail::json
        from unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[])
            as record (id, bucket, saga_id, actor, action, reason, detail)
        "#,
        &ids,
        &buckets,
        &sagas,
        &actors as &[&str],
        &actions as &[&str],
        &reasons as &[&str],
        &details as &[&str],
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

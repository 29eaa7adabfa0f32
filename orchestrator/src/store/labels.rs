//! `usher.labels`: words by which people find a saga.

use super::columns;
use crate::id::SagaId;
use sqlx::PgConnection;

/// Writes labels. Existing ones stay.
pub(crate) async fn add(
    connection: &mut PgConnection,
    labels: &[(SagaId, &str, &str)],
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(labels.iter().map(|(saga, _, _)| *saga));
    let keys: Vec<&str> = labels.iter().map(|(_, key, _)| *key).collect();
    let values: Vec<&str> = labels.iter().map(|(_, _, value)| *value).collect();
    sqlx::query!(
        r#"
        insert into usher.labels (saga_id, bucket, key, value)
        select id, bucket, key, value
        from unnest($1::uuid[], $2::smallint[], $3::text[], $4::text[]) as label (id, bucket, key, value)
        on conflict do nothing
        "#,
        &ids,
        &buckets,
        &keys as &[&str],
        &values as &[&str],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest sagas with exactly this value, under any key.
pub async fn find(connection: &mut PgConnection, value: &str, most: i64) -> Result<Vec<SagaId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select saga_id from usher.labels where value = $1 group by saga_id order by saga_id desc limit $2",
        value,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(SagaId::from_uuid).collect())
}

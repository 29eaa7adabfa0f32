//! Leases in `usher.sagas`: in leased rows `due_at` is the end of the lease.

use super::columns;
use crate::id::SagaId;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use std::time::Duration;

/// A saga, and the token that it is leased under.
pub(crate) type Held = (SagaId, i64);

/// Renews these leases. Returns which of them were renewed. Locked rows are skipped.
pub(crate) async fn renew(
    connection: &mut PgConnection,
    leases: &[Held],
    lease: Duration,
) -> Result<Vec<Held>, sqlx::Error> {
    let (ids, buckets) = columns(leases.iter().map(|(saga, _)| *saga));
    let tokens: Vec<i64> = leases.iter().map(|(_, token)| *token).collect();
    let renewed = sqlx::query!(
        r#"
        with free as (
            select s.id, s.bucket
            from usher.sagas s
            where (s.id, s.bucket, s.token) in (select * from unnest($1::uuid[], $2::smallint[], $3::bigint[]))
              and s.leased
            order by s.id, s.bucket
            for update skip locked
        )
        update usher.sagas s
        set due_at = clock.at + $4 * interval '1 millisecond'
        from free, (select now() as at) clock
        where s.id = free.id and s.bucket = free.bucket
        returning s.id, s.token
        "#,
        &ids,
        &buckets,
        &tokens,
        lease.as_secs_f64() * 1000.0,
    )
    .fetch_all(connection)
    .await?;
    Ok(renewed.into_iter().map(|row| (SagaId::from_uuid(row.id), row.token)).collect())
}

/// Renews one lease, waiting for its row for as long as the connection's lock timeout allows.
pub(crate) async fn renew_waiting(
    connection: &mut PgConnection,
    (saga, token): Held,
    lease: Duration,
) -> Result<bool, sqlx::Error> {
    let renewed = sqlx::query!(
        r#"
        update usher.sagas s
        set due_at = clock.at + $4 * interval '1 millisecond'
        from (select now() as at) clock
        where s.id = $1 and s.bucket = $2 and s.token = $3 and s.leased
        "#,
        saga.uuid(),
        saga.bucket().number(),
        token,
        lease.as_secs_f64() * 1000.0,
    )
    .execute(connection)
    .await;
    match renewed {
        Ok(done) => Ok(done.rows_affected() > 0),
        Err(error) if crate::DatabaseFault::of(&error) == crate::DatabaseFault::Conflict => Ok(false),
        Err(error) => Err(error),
    }
}

/// The leases among these that have not changed. This reads without locks.
pub(crate) async fn find_held(
    connection: &mut PgConnection,
    leases: &[Held],
) -> Result<Vec<Held>, sqlx::Error> {
    let (ids, buckets) = columns(leases.iter().map(|(saga, _)| *saga));
    let tokens: Vec<i64> = leases.iter().map(|(_, token)| *token).collect();
    let held = sqlx::query!(
        r#"
        select s.id, s.token
        from usher.sagas s
        where (s.id, s.bucket, s.token) in (select * from unnest($1::uuid[], $2::smallint[], $3::bigint[]))
          and s.leased
        "#,
        &ids,
        &buckets,
        &tokens,
    )
    .fetch_all(connection)
    .await?;
    Ok(held.into_iter().map(|row| (SagaId::from_uuid(row.id), row.token)).collect())
}

/// Claims sagas that may have killed a node, and counts the loss of those that were lost now. They are leased to the new
/// holder. Their rows are locked.
pub(crate) async fn count_claims(
    connection: &mut PgConnection,
    sagas: &[(SagaId, bool)],
    token: i64,
    node: &str,
    lease_end: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().map(|(saga, _)| *saga));
    let lost: Vec<bool> = sagas.iter().map(|(_, lost)| *lost).collect();
    sqlx::query!(
        r#"
        update usher.sagas s
        set epoch = s.epoch + 1, token = $3, node = $4, claims = s.claims + claimed.lost::int, leased = true,
            due_at = $5, updated_at = $6
        from unnest($1::uuid[], $2::smallint[], $7::boolean[]) as claimed (id, bucket, lost)
        where s.id = claimed.id and s.bucket = claimed.bucket
        "#,
        &ids,
        &buckets,
        token,
        node,
        lease_end,
        now,
        &lost,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sets how often these were lost. Their rows are locked.
pub(crate) async fn set_claims(
    connection: &mut PgConnection,
    sagas: &[(SagaId, i16)],
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().map(|(saga, _)| *saga));
    let claims: Vec<i16> = sagas.iter().map(|(_, claims)| *claims).collect();
    sqlx::query!(
        r#"
        update usher.sagas s
        set claims = known.claims
        from unnest($1::uuid[], $2::smallint[], $3::smallint[]) as known (id, bucket, claims)
        where s.id = known.id and s.bucket = known.bucket
        "#,
        &ids,
        &buckets,
        &claims,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes sagas from holders that were lost, and lets them wait: they are due again at these times, without a lease. Their
/// rows are locked.
pub(crate) async fn put_off(
    connection: &mut PgConnection,
    sagas: &[(SagaId, DateTime<Utc>)],
    token: i64,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().map(|(saga, _)| *saga));
    let dues: Vec<DateTime<Utc>> = sagas.iter().map(|(_, due_at)| *due_at).collect();
    sqlx::query!(
        r#"
        update usher.sagas s
        set epoch = s.epoch + 1, token = $4, node = null, leased = false, due_at = later.due_at, updated_at = $5
        from unnest($1::uuid[], $2::smallint[], $3::timestamptz[]) as later (id, bucket, due_at)
        where s.id = later.id and s.bucket = later.bucket
        "#,
        &ids,
        &buckets,
        &dues,
        token,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

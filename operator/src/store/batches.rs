//! `usher.batches`: one row for each batch. Nodes write it under the token of their claim, operators under its lock.

use super::decode;
use crate::record::{Batch, BatchId, BatchState, Results, Tally};
use chrono::{DateTime, Utc};
use orchestrator::Stake;
use sqlx::PgConnection;
use std::time::Duration;

/// A batch as it is stored.
pub(crate) struct New<'a> {
    pub id: BatchId,
    pub state: BatchState,
    pub filter: String,
    pub action: String,
    pub actor: &'a str,
    pub reason: &'a str,
    pub consent_until: Option<DateTime<Utc>>,
    pub stakes: &'a [Stake],
    pub canary: i32,
    pub stop_at_error_rate: f64,
    pub items: i32,
    pub capped: bool,
    pub now: DateTime<Utc>,
}

/// What a node that works on a batch needs besides [`Batch`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Course {
    pub state: BatchState,
    pub ramp: i32,
    pub round_after: i32,
    pub round_to: i32,
}

/// A successful claim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed {
    /// The number of claims since something was noted, with this one.
    pub claims: i16,
}

/// Stores a batch. False if there is one with this id.
pub(crate) async fn insert(connection: &mut PgConnection, new: &New<'_>) -> Result<bool, sqlx::Error> {
    let stakes = serde_json::to_string(new.stakes).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let inserted = sqlx::query!(
        r#"
        insert into usher.batches
            (id, bucket, state, filter, action, actor, reason, consent_until, stakes, canary, stop_at_error_rate,
             items, capped, created_at, updated_at)
        values ($1, $2, $3, $4::text::json, $5::text::json, $6, $7, $8, $9::text::json, $10, $11, $12, $13, $14, $14)
        on conflict do nothing
        "#,
        new.id.uuid(),
        new.id.bucket().number(),
        new.state.as_str(),
        new.filter,
        new.action,
        new.actor,
        new.reason,
        new.consent_until,
        stakes,
        new.canary,
        new.stop_at_error_rate,
        new.items,
        new.capped,
        new.now,
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// A row as the database gives it.
struct BatchColumns {
    id: uuid::Uuid,
    state: String,
    why: Option<String>,
    filter: String,
    action: String,
    actor: String,
    reason: String,
    consented_by: Option<String>,
    consent_until: Option<DateTime<Utc>>,
    stakes: String,
    canary: i32,
    stop_at_error_rate: f64,
    capped: bool,
    items: i32,
    acted: i32,
    mended: i32,
    stuck_again: i32,
    refused: i32,
    failed: i32,
    round: i32,
    node: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// One batch.
pub(crate) async fn look(connection: &mut PgConnection, id: BatchId) -> Result<Option<Batch>, sqlx::Error> {
    let row = sqlx::query_as!(
        BatchColumns,
        r#"
        select id, state, why, filter::text as "filter!", action::text as "action!", actor, reason, consented_by,
               consent_until, stakes::text as "stakes!", canary, stop_at_error_rate, capped, items, acted, mended,
               stuck_again, refused, failed, round, node, created_at, updated_at
        from usher.batches
        where id = $1 and bucket = $2
        "#,
        id.uuid(),
        id.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Batch::try_from).transpose()
}

/// Batches of all buckets, newest first, after the one with this id.
pub(crate) async fn list(
    connection: &mut PgConnection,
    after: Option<BatchId>,
    most: i64,
) -> Result<Vec<Batch>, sqlx::Error> {
    let rows = sqlx::query_as!(
        BatchColumns,
        r#"
        select id, state, why, filter::text as "filter!", action::text as "action!", actor, reason, consented_by,
               consent_until, stakes::text as "stakes!", canary, stop_at_error_rate, capped, items, acted, mended,
               stuck_again, refused, failed, round, node, created_at, updated_at
        from usher.batches
        where $1::uuid is null or id < $1
        order by id desc
        limit $2
        "#,
        after.map(BatchId::uuid),
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

impl TryFrom<BatchColumns> for Batch {
    type Error = sqlx::Error;

    fn try_from(row: BatchColumns) -> Result<Self, sqlx::Error> {
        let results = Results {
            waiting: row.items - row.acted - row.mended - row.stuck_again - row.refused - row.failed,
            acted: row.acted,
            mended: row.mended,
            stuck_again: row.stuck_again,
            refused: row.refused,
            failed: row.failed,
        };
        Ok(Self {
            id: BatchId::from_uuid(row.id),
            state: row.state.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?,
            why: row.why,
            filter: decode(&row.filter)?,
            action: decode(&row.action)?,
            actor: row.actor,
            reason: row.reason,
            consented_by: row.consented_by,
            consent_until: row.consent_until,
            stakes: decode(&row.stakes)?,
            canary: row.canary,
            stop_at_error_rate: row.stop_at_error_rate,
            items: row.items,
            capped: row.capped,
            results,
            round: row.round,
            node: row.node,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Locks a batch's row. None if there is none.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    id: BatchId,
) -> Result<Option<BatchState>, sqlx::Error> {
    let state = sqlx::query_scalar!(
        "select state from usher.batches where id = $1 and bucket = $2 for update",
        id.uuid(),
        id.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    state.map(|state| state.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))).transpose()
}

/// Changes the state of a locked batch. `anew`: it begins with a canary again, as a batch that stopped must.
pub(crate) async fn steer(
    connection: &mut PgConnection,
    id: BatchId,
    to: BatchState,
    why: Option<&str>,
    consented_by: Option<&str>,
    anew: bool,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update usher.batches
        set state = $3, why = $4, consented_by = coalesce($5, consented_by), ramp = case when $6 then 0 else ramp end,
            claims = 0, updated_at = $7
        where id = $1 and bucket = $2
        "#,
        id.uuid(),
        id.bucket().number(),
        to.as_str(),
        why,
        consented_by,
        anew,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a batch has left its canary behind.
pub(crate) async fn ramp(connection: &mut PgConnection, id: BatchId) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "select ramp from usher.batches where id = $1 and bucket = $2",
        id.uuid(),
        id.bucket().number(),
    )
    .fetch_one(connection)
    .await
}

/// Batches that a node should work on and none does, oldest first. This reads all buckets without locks.
pub(crate) async fn find_idle(connection: &mut PgConnection, most: i64) -> Result<Vec<BatchId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"
        select id
        from usher.batches
        where state in ('canary', 'ramping') and (leased_until is null or leased_until <= now())
        order by id
        limit $1
        "#,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(BatchId::from_uuid).collect())
}

/// Batches for which no second person was found in time.
pub(crate) async fn find_unconsented(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<BatchId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        r#"
        select id
        from usher.batches
        where state = 'awaiting_consent' and consent_until <= now()
        order by id
        limit $1
        "#,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(BatchId::from_uuid).collect())
}

/// Claims a batch that no node works on, under this token. None if another node was faster.
pub(crate) async fn claim(
    connection: &mut PgConnection,
    id: BatchId,
    token: i64,
    node: &str,
    lease: Duration,
) -> Result<Option<Claimed>, sqlx::Error> {
    sqlx::query_as!(
        Claimed,
        r#"
        update usher.batches
        set token = $3, node = $4, leased_until = now() + $5 * interval '1 millisecond', claims = claims + 1
        where id = $1 and bucket = $2 and state in ('canary', 'ramping')
          and (leased_until is null or leased_until <= now())
        returning claims
        "#,
        id.uuid(),
        id.bucket().number(),
        token,
        node,
        lease.as_millis() as f64,
    )
    .fetch_optional(connection)
    .await
}

/// Renews the lease, adds to the counts, and says where the batch is. None if the lease is somebody else's.
pub(crate) async fn renew(
    connection: &mut PgConnection,
    id: BatchId,
    token: i64,
    lease: Duration,
    more: Tally,
    noted: bool,
) -> Result<Option<Course>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        update usher.batches
        set leased_until = now() + $4 * interval '1 millisecond', acted = acted + $5, mended = mended + $6,
            stuck_again = stuck_again + $7, refused = refused + $8, failed = failed + $9,
            claims = case when $10 then 0 else claims end, updated_at = case when $10 then now() else updated_at end
        where id = $1 and bucket = $2 and token = $3
        returning state, ramp, round_after, round_to
        "#,
        id.uuid(),
        id.bucket().number(),
        token,
        lease.as_millis() as f64,
        more.acted,
        more.mended,
        more.stuck_again,
        more.refused,
        more.failed,
        noted,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Course {
            state: row.state.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?,
            ramp: row.ramp,
            round_after: row.round_after,
            round_to: row.round_to,
        })
    })
    .transpose()
}

/// Begins the next round, of this many items. False if another node has the batch, or if it is no longer under way.
pub(crate) async fn begin_round(
    connection: &mut PgConnection,
    id: BatchId,
    token: i64,
    ramp: i32,
    size: i32,
) -> Result<bool, sqlx::Error> {
    let begun = sqlx::query!(
        r#"
        update usher.batches
        set round = round + 1, round_after = round_to, round_to = least(round_to + $4, items), ramp = $5,
            state = case when $5 = 0 then 'canary' else 'ramping' end, updated_at = now()
        where id = $1 and bucket = $2 and token = $3 and state in ('canary', 'ramping')
        "#,
        id.uuid(),
        id.bucket().number(),
        token,
        size,
        ramp,
    )
    .execute(connection)
    .await?;
    Ok(begun.rows_affected() == 1)
}

/// Ends a batch that is under way, after a round: as done, or as stopped. False as for [`begin_round`].
pub(crate) async fn end(
    connection: &mut PgConnection,
    id: BatchId,
    token: i64,
    state: BatchState,
    why: Option<&str>,
    round_over: bool,
) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!(
        r#"
        update usher.batches
        set state = $4, why = $5, round_after = case when $6 then round_to else round_after end, leased_until = null,
            updated_at = now()
        where id = $1 and bucket = $2 and token = $3 and state in ('canary', 'ramping')
        "#,
        id.uuid(),
        id.bucket().number(),
        token,
        state.as_str(),
        why,
        round_over,
    )
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// Releases a batch for the next node that looks. A claim that ends this way does not count as a failure.
pub(crate) async fn release(
    connection: &mut PgConnection,
    id: BatchId,
    token: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update usher.batches
        set leased_until = null, claims = greatest(claims - 1, 0)
        where id = $1 and bucket = $2 and token = $3
        "#,
        id.uuid(),
        id.bucket().number(),
        token,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes batches, with their items, that have not changed since then.
pub(crate) async fn delete_old(
    connection: &mut PgConnection,
    before: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let gone = sqlx::query!(
        r#"
        delete from usher.batches
        where (id, bucket) in (
            select id, bucket
            from usher.batches
            where id < $1 and updated_at < $2 and state in ('stopped', 'cancelled', 'done', 'paused')
            order by id
            limit $3
        )
        "#,
        orchestrator::tools::first_id_of(before),
        before,
        most,
    )
    .execute(connection)
    .await?;
    Ok(gone.rows_affected())
}

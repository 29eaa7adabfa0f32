//! `usher.work_list`: sagas by what is wrong with them, read without locks and within bounds.

use chrono::{DateTime, Utc};
use orchestrator::{
    SagaId, Stake, Status, StuckCause,
    tools::{
        Trouble,
        rows::{StatusColumns, decode_stakes, decode_stuck},
    },
};
use sqlx::PgConnection;
use uuid::Uuid;

/// A filter in the form that the database needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct WorkListQuery {
    /// The index to use, and the value to look up in it.
    pub list: &'static str,
    pub value: Option<String>,
    pub ids: Vec<Uuid>,
    /// Conditions that narrow the result.
    pub status: Option<&'static str>,
    pub workflow: Option<String>,
    pub step: Option<String>,
    pub cause: Option<String>,
    pub trouble: Option<&'static str>,
    pub older_than_s: Option<i64>,
}

impl WorkListQuery {
    /// Whether conditions narrow the index's result, so that more rows must be read than are returned.
    pub fn narrows(&self) -> bool {
        self.status.is_some()
            || self.workflow.is_some()
            || self.step.is_some()
            || self.cause.is_some()
            || self.trouble.is_some()
            || self.older_than_s.is_some()
    }
}

/// The newest matching sagas before an id, reading at most `scanned` rows.
pub(crate) async fn find(
    connection: &mut PgConnection,
    query: &WorkListQuery,
    before: Uuid,
    scanned: i64,
    most: i64,
) -> Result<Vec<Status>, sqlx::Error> {
    let rows = sqlx::query_as!(
        StatusColumns,
        r#"
        select id as "id!", workflow as "workflow!", version as "version!", state as "state!", due_at,
               leased as "leased!", epoch as "epoch!", journal_len as "journal_len!", attempts as "attempts!",
               last_error, code, retry_at, at_step, trouble, troubled_at, stakes::text as stakes, paused as "paused!",
               paused_by, paused_why, cause, encode(fingerprint, 'hex') as fingerprint, first_stuck_at,
               stuck::text as stuck, node, start_key, trace, created_at as "created_at!", updated_at as "updated_at!",
               leased and updated_at < now() - usher.lease_silence() as "silent!"
        from usher.work_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        order by id desc
        limit $12
        "#,
        query.list,
        query.value,
        &query.ids,
        query.status,
        query.workflow,
        query.step,
        query.cause,
        query.trouble,
        query.older_than_s,
        before,
        scanned,
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Status::try_from).collect()
}

/// The number of matching sagas before an id, reading at most `scanned` rows and counting to at most `most`.
pub(crate) async fn count(
    connection: &mut PgConnection,
    query: &WorkListQuery,
    before: Uuid,
    scanned: i64,
    most: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select count(*) as "count!"
        from (select from usher.work_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) limit $12) as found
        "#,
        query.list,
        query.value,
        &query.ids,
        query.status,
        query.workflow,
        query.step,
        query.cause,
        query.trouble,
        query.older_than_s,
        before,
        scanned,
        most,
    )
    .fetch_one(connection)
    .await
}

/// The end of a window of this many rows of the list, if it is full: there may be more rows behind it.
pub(crate) async fn window_end(
    connection: &mut PgConnection,
    query: &WorkListQuery,
    before: Uuid,
    scanned: i64,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select id
        from usher.work_list($1, $2, $3, null, null, null, null, null, null, $4, $5)
        order by id desc
        offset $5 - 1
        limit 1
        "#,
        query.list,
        query.value,
        &query.ids,
        before,
        scanned,
    )
    .fetch_optional(connection)
    .await
    .map(Option::flatten)
}

/// Sagas with the same cause.
pub(crate) struct Shared {
    pub fingerprint: String,
    pub cause: String,
    pub step: Option<String>,
    pub workflow: String,
    pub count: i64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    pub stakes: Vec<Stake>,
    pub stuck: Option<StuckCause>,
    pub trouble: Option<Trouble>,
}

/// Groups of the newest `scanned`, the largest first.
pub(crate) async fn group(
    connection: &mut PgConnection,
    query: &WorkListQuery,
    scanned: i64,
    most: i64,
) -> Result<Vec<Shared>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select encode(sha256(convert_to(g.common, 'utf8')), 'hex') as "fingerprint!", g.common as "cause!",
               min(g.at_step) as step, min(g.workflow) as "workflow!", count(*) as "count!",
               min(coalesce(g.troubled_at, g.first_stuck_at, g.due_at, g.updated_at)) as "first_seen!",
               max(g.updated_at) as "last_seen!",
               array_agg(g.stakes::text) filter (where g.stakes is not null) as stakes,
               min(g.stuck::text) as stuck, min(g.trouble) as trouble
        from (
            select usher.cause_of(s.cause, s.workflow, s.version, s.paused, s.paused_by, s.due_at) as common, s.*
            from usher.work_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as s
        ) as g
        group by g.common
        order by count(*) desc, g.common
        limit $12
        "#,
        query.list,
        query.value,
        &query.ids,
        query.status,
        query.workflow,
        query.step,
        query.cause,
        query.trouble,
        query.older_than_s,
        Uuid::max(),
        scanned,
        most,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let wrong = |error: String| sqlx::Error::Decode(error.into());
            let all = row.stakes.unwrap_or_default();
            Ok(Shared {
                fingerprint: row.fingerprint,
                cause: row.cause,
                step: row.step,
                workflow: row.workflow,
                count: row.count,
                first_seen: row.first_seen,
                last_seen: row.last_seen,
                stakes: Stake::sum(all.iter().flat_map(|json| decode_stakes(Some(json)))),
                stuck: row.stuck.map(|json| decode_stuck(&json)),
                trouble: row.trouble.map(|trouble| trouble.parse()).transpose().map_err(wrong)?,
            })
        })
        .collect()
}

/// Sagas that were started under this key, by one of these workflows.
pub(crate) async fn started_under(
    connection: &mut PgConnection,
    workflows: &[String],
    start_key: &str,
    most: i64,
) -> Result<Vec<SagaId>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select id from usher.sagas where workflow = any($1) and start_key = $2 order by id desc limit $3",
        workflows,
        start_key,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(found.into_iter().map(SagaId::from_uuid).collect())
}

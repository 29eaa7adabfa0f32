//! A saga's row for people and handles, read without a lock.

use super::{columns, sagas::decode};
use crate::{
    id::SagaId,
    record::{Look, Stake, State, Status},
};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// The columns of a [`Status`], as a statement returns them.
#[doc(hidden)]
pub struct Columns {
    pub id: Uuid,
    pub workflow: String,
    pub version: i32,
    pub state: String,
    pub due_at: Option<DateTime<Utc>>,
    pub leased: bool,
    pub silent: bool,
    pub epoch: i64,
    pub journal_len: i32,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub code: Option<String>,
    pub retry_at: Option<DateTime<Utc>>,
    pub at_step: Option<String>,
    pub trouble: Option<String>,
    pub troubled_at: Option<DateTime<Utc>>,
    pub stakes: Option<String>,
    pub paused: bool,
    pub paused_by: Option<String>,
    pub paused_why: Option<String>,
    pub cause: Option<String>,
    pub fingerprint: Option<String>,
    pub first_stuck_at: Option<DateTime<Utc>>,
    pub stuck: Option<String>,
    pub node: Option<String>,
    pub start_key: Option<String>,
    pub trace: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl TryFrom<Columns> for Status {
    type Error = sqlx::Error;

    fn try_from(row: Columns) -> Result<Self, sqlx::Error> {
        let wrong = |error: String| sqlx::Error::Decode(error.into());
        Ok(Self {
            id: SagaId::from_uuid(row.id),
            workflow: row.workflow,
            version: row.version,
            state: row.state.parse().map_err(wrong)?,
            due_at: row.due_at,
            leased: row.leased,
            silent: row.silent,
            epoch: row.epoch,
            journal_len: row.journal_len,
            attempts: row.attempts,
            last_error: row.last_error,
            code: row.code,
            retry_at: row.retry_at,
            step: row.at_step,
            // A value that only a newer binary knows is left out.
            trouble: row.trouble.and_then(|trouble| trouble.parse().ok()),
            troubled_at: row.troubled_at,
            stakes: decode_stakes(row.stakes.as_deref()),
            paused: row.paused,
            paused_by: row.paused_by,
            paused_why: row.paused_why,
            cause: row.cause,
            fingerprint: row.fingerprint,
            first_stuck_at: row.first_stuck_at,
            stuck: row.stuck.map(|json| decode(&json)),
            node: row.node,
            start_key: row.start_key,
            trace: row.trace,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// What is at stake according to a row. A kind that only a newer binary knows is left out: stakes are for people to read,
/// and nothing depends on them.
pub fn decode_stakes(json: Option<&str>) -> Vec<Stake> {
    let all: Vec<serde_json::Value> =
        json.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    all.into_iter().filter_map(|stake| serde_json::from_value(stake).ok()).collect()
}

/// Reads a saga's row without locking it.
pub async fn look(connection: &mut PgConnection, saga: SagaId) -> Result<Option<Status>, sqlx::Error> {
    let row = sqlx::query_as!(
        Columns,
        r#"
        select id, workflow, version, state, due_at, leased, epoch, journal_len, attempts, last_error, code, retry_at,
               at_step, trouble, troubled_at, stakes::text as stakes, paused, paused_by, paused_why, cause,
               encode(fingerprint, 'hex') as fingerprint, first_stuck_at, stuck::text as stuck, node, start_key, trace,
               created_at, updated_at, leased and updated_at < now() - usher.lease_silence() as "silent!"
        from usher.sagas
        where id = $1 and bucket = $2
        "#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(Status::try_from).transpose()
}

/// What a verdict needs of these sagas, read from any buckets without locks. Removed sagas are missing.
pub async fn look_at(
    connection: &mut PgConnection,
    sagas: &[SagaId],
) -> Result<Vec<(SagaId, Look)>, sqlx::Error> {
    let (ids, buckets) = columns(sagas.iter().copied());
    let rows = sqlx::query!(
        r#"
        select s.id, s.state, s.retry_at is not null or s.attempts > 0 as "retrying!", s.paused, s.cause
        from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
        join usher.sagas s on s.id = wanted.id and s.bucket = wanted.bucket
        "#,
        &ids,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state: State =
                row.state.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?;
            let look = Look { state, retrying: row.retrying, paused: row.paused, cause: row.cause };
            Ok((SagaId::from_uuid(row.id), look))
        })
        .collect()
}

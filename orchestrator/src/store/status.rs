//! A saga's row as people and handles see it: read without a lock.

use super::sagas::{State, decode};
use crate::{SagaId, cause::StuckCause};
use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

/// A saga's row as anybody may see it.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Which saga.
    pub id: SagaId,
    /// Its workflow's name.
    pub workflow: String,
    /// Its workflow's version.
    pub version: i32,
    /// Its state.
    pub state: State,
    /// The next time that someone must look at it.
    pub due_at: Option<DateTime<Utc>>,
    /// Whether a call is out.
    pub leased: bool,
    /// How often it was claimed.
    pub epoch: i64,
    /// How many entries its journal has.
    pub journal_len: i32,
    /// Attempts at what is being tried.
    pub attempts: i32,
    /// What the last failed attempt said.
    pub last_error: Option<String>,
    /// When the next attempt is due.
    pub retry_at: Option<DateTime<Utc>>,
    /// Whether somebody stopped it.
    pub paused: bool,
    /// Who did.
    pub paused_by: Option<String>,
    /// And why.
    pub paused_why: Option<String>,
    /// What it has in common with others that are stuck for the same reason.
    pub cause: Option<String>,
    /// Since when it is stuck.
    pub first_stuck_at: Option<DateTime<Utc>>,
    /// Why a person is needed.
    pub stuck: Option<StuckCause>,
    /// The node that wrote it last.
    pub node: Option<String>,
    /// W3C traceparent of the request that started it.
    pub trace: Option<String>,
    /// When it was started.
    pub created_at: DateTime<Utc>,
    /// When it was written last.
    pub updated_at: DateTime<Utc>,
}

/// Reads a saga's row without locking it.
pub(crate) async fn look(connection: &mut PgConnection, saga: SagaId) -> Result<Option<Status>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        select workflow, version, state, due_at, leased, epoch, journal_len, attempts, last_error,
               retry_at, paused, paused_by, paused_why, cause, first_stuck_at, stuck::text as stuck, node, trace,
               created_at, updated_at
        from usher.sagas
        where id = $1 and bucket = $2
        "#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Status {
            id: saga,
            workflow: row.workflow,
            version: row.version,
            state: row.state.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))?,
            due_at: row.due_at,
            leased: row.leased,
            epoch: row.epoch,
            journal_len: row.journal_len,
            attempts: row.attempts,
            last_error: row.last_error,
            retry_at: row.retry_at,
            paused: row.paused,
            paused_by: row.paused_by,
            paused_why: row.paused_why,
            cause: row.cause,
            first_stuck_at: row.first_stuck_at,
            stuck: row.stuck.map(|json| decode(&json)).transpose()?,
            node: row.node,
            trace: row.trace,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    })
    .transpose()
}

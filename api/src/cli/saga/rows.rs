//! What the commands read of a saga. The statements only look: nothing is locked.

use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A saga's row, as people need it.
#[derive(Debug, Serialize)]
pub struct SagaRow {
    pub id: Uuid,
    pub workflow: String,
    pub version: i32,
    pub state: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub due_at: Option<DateTime<Utc>>,
    pub paused: bool,
    pub attempts: i32,
    pub last_error: Option<String>,
    pub stuck: Option<Value>,
    pub node: Option<String>,
    pub trace: Option<String>,
}

/// One line of a timeline.
#[derive(Debug, Serialize)]
pub struct EntryRow {
    pub position: i32,
    pub written_at: DateTime<Utc>,
    pub kind: String,
    pub body: Value,
    pub epoch: i64,
}

/// One letter in a saga's mailbox.
#[derive(Debug, Serialize)]
pub struct LetterRow {
    pub received_at: DateTime<Utc>,
    pub kind: String,
    pub name: String,
    pub sender: String,
    pub payload: Value,
}

/// The newest sagas, by id, which is by time of start.
pub async fn list(
    connection: &mut PgConnection,
    state: Option<&str>,
    workflow: Option<&str>,
    limit: i64,
) -> Result<Vec<SagaRow>, sqlx::Error> {
    sqlx::query_as!(
        SagaRow,
        "select id, workflow, version, state, created_at, updated_at, due_at, paused, attempts, last_error, stuck, node,
                trace
         from usher.sagas
         where ($1::text is null or state = $1) and ($2::text is null or workflow = $2)
         order by id desc
         limit $3",
        state,
        workflow,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// One saga.
pub async fn find(connection: &mut PgConnection, saga: SagaId) -> Result<Option<SagaRow>, sqlx::Error> {
    sqlx::query_as!(
        SagaRow,
        "select id, workflow, version, state, created_at, updated_at, due_at, paused, attempts, last_error, stuck, node,
                trace
         from usher.sagas
         where id = $1 and bucket = $2",
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_optional(connection)
    .await
}

/// Its journal, in order.
pub async fn entries(connection: &mut PgConnection, saga: SagaId) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"select position as "position!", written_at as "written_at!", kind as "kind!", body as "body!",
                  epoch as "epoch!"
           from usher.journal_entries
           where saga_id = $1 and bucket = $2
           order by position"#,
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_all(connection)
    .await
}

/// Its mailbox, oldest first.
pub async fn letters(connection: &mut PgConnection, saga: SagaId) -> Result<Vec<LetterRow>, sqlx::Error> {
    sqlx::query_as!(
        LetterRow,
        "select received_at, kind, name, sender, payload
         from usher.mailbox
         where saga_id = $1 and bucket = $2
         order by received_at, sender",
        saga.uuid(),
        saga.bucket().number(),
    )
    .fetch_all(connection)
    .await
}

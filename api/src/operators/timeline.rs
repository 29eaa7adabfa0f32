//! What is read of a saga beside the engine's own look at it. The statements only look: nothing is locked.

use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde_json::Value;
use sqlx::PgConnection;

/// One line of a timeline.
pub struct EntryRow {
    pub position: i32,
    pub written_at: DateTime<Utc>,
    pub kind: String,
    pub body: Value,
    pub epoch: i64,
    pub node: Option<String>,
}

/// One letter in a saga's mailbox.
pub struct LetterRow {
    pub received_at: DateTime<Utc>,
    pub kind: String,
    pub name: String,
    pub sender: String,
    pub payload: Value,
}

/// A saga's journal, in order.
pub async fn entries(connection: &mut PgConnection, saga: SagaId) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"select position as "position!", written_at as "written_at!", kind as "kind!", body as "body!",
                  epoch as "epoch!", node
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

//! What the commands read of the inbox. The statements only look: nothing is locked.

use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use steps::store::inbox::InboxKey;
use uuid::Uuid;

/// A webhook with what people need to know of it.
#[derive(Debug, Serialize)]
pub struct InboxRow {
    pub provider: String,
    pub event_id: String,
    #[serde(skip)]
    pub bucket: i16,
    pub state: String,
    pub kind: Option<String>,
    pub payment_id: Option<Uuid>,
    pub gateway_reference: Option<String>,
    pub amount_minor: Option<i64>,
    pub currency: Option<String>,
    pub received_at: DateTime<Utc>,
    pub applied_at: Option<DateTime<Utc>>,
    /// Who dealt with it by hand.
    pub settled_by: Option<String>,
    /// How they dealt with it.
    pub settled_why: Option<String>,
    /// The number of other bodies that came under its id; they are never acted on.
    pub variants: i64,
    pub fact: Option<Value>,
}

impl InboxRow {
    /// Its key; `None` if no bucket has this number.
    pub fn key(&self) -> Option<InboxKey> {
        let bucket = Bucket::from_number(self.bucket)?;
        Some(InboxKey { provider: self.provider.clone(), event_id: self.event_id.clone(), bucket })
    }
}

/// States of webhooks that nobody has acted on yet.
pub const WAITING: [&str; 2] = ["PENDING", "UNMATCHED"];

/// Reads webhooks in one of these states, oldest first.
pub async fn list(
    connection: &mut PgConnection,
    states: &[String],
    limit: i64,
) -> Result<Vec<InboxRow>, sqlx::Error> {
    sqlx::query_as!(
        InboxRow,
        r#"select provider, event_id, bucket, state, kind, payment_id, gateway_reference, amount_minor, currency,
                  received_at, applied_at, settled_by, settled_why, fact,
                  (select count(*) from booking.inbox_variants variant
                   where variant.provider = inbox.provider and variant.event_id = inbox.event_id
                     and variant.bucket = inbox.bucket) as "variants!"
           from booking.inbox
           where state = any($1)
           order by received_at
           limit $2"#,
        states,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Reads the webhooks with these ids. An unknown id is an error that says what to do.
pub async fn find_all(connection: &mut PgConnection, events: &[String]) -> anyhow::Result<Vec<InboxRow>> {
    let mut found = Vec::with_capacity(events.len());
    for event in events {
        let rows = find(connection, event).await?;
        anyhow::ensure!(
            !rows.is_empty(),
            "there is no webhook `{event}`; `usher inbox list` lists those that wait"
        );
        found.extend(rows);
    }
    Ok(found)
}

/// Reads the webhooks with this id. There may be one for each provider and bucket, and nearly always there is one.
pub async fn find(connection: &mut PgConnection, event_id: &str) -> Result<Vec<InboxRow>, sqlx::Error> {
    sqlx::query_as!(
        InboxRow,
        r#"select provider, event_id, bucket, state, kind, payment_id, gateway_reference, amount_minor, currency,
                  received_at, applied_at, settled_by, settled_why, fact,
                  (select count(*) from booking.inbox_variants variant
                   where variant.provider = inbox.provider and variant.event_id = inbox.event_id
                     and variant.bucket = inbox.bucket) as "variants!"
           from booking.inbox
           where event_id = $1
           order by provider, bucket"#,
        event_id,
    )
    .fetch_all(connection)
    .await
}

/// The body as it was signed, and the bodies that came later under the same id.
pub async fn bodies(connection: &mut PgConnection, row: &InboxRow) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select body as "body!"
           from (
               select body, received_at from booking.inbox
               where provider = $1 and event_id = $2 and bucket = $3
               union all
               select body, received_at from booking.inbox_variants
               where provider = $1 and event_id = $2 and bucket = $3
           ) bodies
           order by received_at"#,
        row.provider,
        row.event_id,
        row.bucket,
    )
    .fetch_all(connection)
    .await
}

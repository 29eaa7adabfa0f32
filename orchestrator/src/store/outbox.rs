//! `usher.outbox`: messages to the outside, written in the commit that decided them.

use super::columns;
use crate::{SagaId, journal::Position};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// A message, with the position of the entry that it was emitted with. A saga's messages are in order of position and
/// ordinal.
pub(crate) struct Message {
    pub saga: SagaId,
    pub position: Position,
    /// Which of this entry's messages, from 0.
    pub ordinal: i32,
    pub kind: String,
    pub payload: String,
}

/// Puts messages in.
pub(crate) async fn add(
    connection: &mut PgConnection,
    messages: &[Message],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (ids, buckets) = columns(messages.iter().map(|message| message.saga));
    let positions: Vec<i32> = messages.iter().map(|message| message.position.index()).collect();
    let ordinals: Vec<i32> = messages.iter().map(|message| message.ordinal).collect();
    let kinds: Vec<&str> = messages.iter().map(|message| message.kind.as_str()).collect();
    let payloads: Vec<&str> = messages.iter().map(|message| message.payload.as_str()).collect();
    sqlx::query!(
        r#"
        insert into usher.outbox (saga_id, bucket, position, ordinal, kind, payload, created_at)
        select id, bucket, position, ordinal, kind, payload::json, $7
        from unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::text[], $6::text[])
            as message (id, bucket, position, ordinal, kind, payload)
        "#,
        &ids,
        &buckets,
        &positions,
        &ordinals,
        &kinds as &[&str],
        &payloads as &[&str],
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

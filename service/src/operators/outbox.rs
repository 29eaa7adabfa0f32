//! What a saga told the outside, and how far that came.

use chrono::{DateTime, Utc};
use orchestrator::SagaId;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// Messages that are shown of one saga: it emits a handful, to a handful of subscriptions.
const SHOWN_MAX: i64 = 500;

/// A message to the outside.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaMessage)]
pub struct MessageView {
    /// The entry that it was emitted with.
    pub position: i32,
    /// Which of that entry's messages.
    pub ordinal: i32,
    /// Its type.
    #[schema(example = "booking.confirmed")]
    pub kind: String,
    /// Its data.
    pub payload: Value,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// When it was handed over to those who deliver it.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// To whom, and how far.
    pub deliveries: Vec<DeliveryView>,
}

/// A message on its way to one subscription.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaDelivery)]
pub struct DeliveryView {
    /// To which.
    pub subscription: Uuid,
    /// Where that is; null if it is gone.
    pub url: Option<String>,
    /// Attempts begun.
    pub attempts: i32,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it is tried next.
    pub due_at: Option<DateTime<Utc>>,
    /// When it arrived.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was given up.
    pub failed_at: Option<DateTime<Utc>>,
}

/// What a saga told, in order.
pub(super) async fn of(connection: &mut PgConnection, saga: SagaId) -> Result<Vec<MessageView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select m.position, m.ordinal, m.kind, m.payload, m.created_at, m.delivered_at as handed_over_at,
               d.subscription_id as "subscription?", s.url as "url?", d.attempts as "attempts?", d.last_error,
               d.due_at as "due_at?", d.delivered_at as "delivered_at?", d.failed_at as "failed_at?"
        from usher.outbox m
        left join booking.deliveries d
            on d.saga_id = m.saga_id and d.bucket = m.bucket and d.position = m.position and d.ordinal = m.ordinal
        left join booking.subscriptions s on s.id = d.subscription_id
        where m.saga_id = $1 and m.bucket = $2
        order by m.position, m.ordinal, d.subscription_id
        limit $3
        "#,
        saga.uuid(),
        saga.bucket().number(),
        SHOWN_MAX,
    )
    .fetch_all(connection)
    .await?;
    let mut messages: Vec<MessageView> = Vec::new();
    for row in rows {
        let delivery = row.subscription.map(|subscription| DeliveryView {
            subscription,
            url: row.url,
            attempts: row.attempts.unwrap_or_default(),
            last_error: row.last_error,
            due_at: row.due_at,
            delivered_at: row.delivered_at,
            failed_at: row.failed_at,
        });
        match messages.last_mut().filter(|last| (last.position, last.ordinal) == (row.position, row.ordinal))
        {
            Some(last) => last.deliveries.extend(delivery),
            None => messages.push(MessageView {
                position: row.position,
                ordinal: row.ordinal,
                kind: row.kind,
                payload: row.payload,
                decided_at: row.created_at,
                handed_over_at: row.handed_over_at,
                deliveries: delivery.into_iter().collect(),
            }),
        }
    }
    Ok(messages)
}

//! What a saga told the outside, and how far that came.

use chrono::{DateTime, Utc};
use orchestrator::{SagaId, outbox};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// Messages that are shown of one saga, and deliveries of them: it emits a handful, to a handful of subscriptions.
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
    let messages = outbox::list_of(connection, saga, SHOWN_MAX).await?;
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let mut deliveries: HashMap<(i32, i32), Vec<DeliveryView>> = HashMap::new();
    for (message, delivery) in deliveries_of(connection, saga).await? {
        deliveries.entry(message).or_default().push(delivery);
    }
    let views = messages.into_iter().map(|message| {
        let (position, ordinal) = (message.key.position, message.key.ordinal);
        Ok(MessageView {
            position,
            ordinal,
            kind: message.kind,
            payload: serde_json::from_str(message.payload.get())
                .map_err(|error| sqlx::Error::Decode(error.into()))?,
            decided_at: message.decided_at,
            handed_over_at: message.taken_at,
            deliveries: deliveries.remove(&(position, ordinal)).unwrap_or_default(),
        })
    });
    views.collect()
}

/// Deliveries of a saga's messages, each with its message's position and ordinal; in order.
async fn deliveries_of(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<Vec<((i32, i32), DeliveryView)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select d.position, d.ordinal, d.subscription_id, s.url as "url?", d.attempts, d.last_error, d.due_at,
               d.delivered_at, d.failed_at
        from booking.deliveries d
        left join booking.subscriptions s on s.id = d.subscription_id
        where d.saga_id = $1 and d.bucket = $2
        order by d.position, d.ordinal, d.subscription_id
        limit $3
        "#,
        saga.uuid(),
        saga.bucket().number(),
        SHOWN_MAX,
    )
    .fetch_all(connection)
    .await?;
    let view = rows.into_iter().map(|row| {
        let delivery = DeliveryView {
            subscription: row.subscription_id,
            url: row.url,
            attempts: row.attempts,
            last_error: row.last_error,
            due_at: row.due_at,
            delivered_at: row.delivered_at,
            failed_at: row.failed_at,
        };
        ((row.position, row.ordinal), delivery)
    });
    Ok(view.collect())
}

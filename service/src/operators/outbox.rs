//! A saga's messages to the outside, and their deliveries.

use chrono::{DateTime, Utc};
use orchestrator::{SagaId, outbox};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// The most messages of one saga, and the most deliveries, that are shown. A saga emits a few, to a few subscriptions.
const SHOWN_MAX: i64 = 500;

/// A message to the outside.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaMessage)]
pub struct MessageView {
    /// The position of the entry that it was emitted with.
    pub position: i32,
    /// Its number among the entry's messages.
    pub ordinal: i32,
    /// Its type, such as `booking.confirmed`.
    #[schema(example = "booking.confirmed")]
    pub kind: String,
    /// Its data.
    pub payload: Value,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// When it was handed over for delivery.
    pub handed_over_at: Option<DateTime<Utc>>,
    /// Its deliveries, one for each subscription.
    pub deliveries: Vec<DeliveryView>,
}

/// A message on its way to one subscription.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaDelivery)]
pub struct DeliveryView {
    /// The subscription.
    pub subscription: Uuid,
    /// The subscription's URL; null if it was removed.
    pub url: Option<String>,
    /// The number of attempts that were begun.
    pub attempts: i32,
    /// The last error.
    pub last_error: Option<String>,
    /// When it is tried next.
    pub due_at: Option<DateTime<Utc>>,
    /// When it was delivered.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When delivery was given up.
    pub failed_at: Option<DateTime<Utc>>,
}

/// Reads a saga's messages, in order.
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

/// Reads the deliveries of a saga's messages in order, each with its message's position and ordinal.
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

//! What the service knows about a saga besides the engine: rows, webhooks and messages.

use super::{MessageView, Standing, WebhookView, outbox, rows, webhooks};
use orchestrator::SagaId;
use sqlx::PgPool;
use uuid::Uuid;

/// The rows, webhooks and messages of one saga.
#[derive(Clone, Debug)]
pub struct Related {
    /// Seats, payments and bookings as they stand; none if it is about none.
    pub rows: Option<Standing>,
    /// Webhooks about its payments, oldest first.
    pub webhooks: Vec<WebhookView>,
    /// Its messages to the outside, in order.
    pub outbox: Vec<MessageView>,
}

/// Reads what is related to a saga.
///
/// # Errors
/// The database failed.
pub async fn read_related(pool: &PgPool, saga: SagaId) -> Result<Related, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let rows = rows::standing(&mut connection, saga).await?;
    let payments = rows.iter().flat_map(|rows| &rows.payments);
    let (ids, references): (Vec<Uuid>, Vec<Option<String>>) =
        payments.map(|payment| (payment.id, payment.gateway_reference.clone())).unzip();
    let references: Vec<String> = references.into_iter().flatten().collect();
    let webhooks = webhooks::about(&mut connection, &ids, &references).await?;
    let outbox = outbox::of(&mut connection, saga).await?;
    Ok(Related { rows, webhooks, outbox })
}

//! The webhooks about a saga's payments: acted on, waiting, and unmatched.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// The most webhooks of one saga that are shown, the first ones. A gateway sends a few.
const SHOWN_MAX: i64 = 200;

/// A webhook with its content in our words.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaWebhook)]
pub struct WebhookView {
    /// The sender, such as `stripe`.
    pub provider: String,
    /// The sender's id for it. A webhook is stored once, however often it comes.
    pub event_id: String,
    /// Its state: PENDING, UNMATCHED, APPLIED or IGNORED.
    pub state: String,
    /// The kind of its news, in our words; null if we don't act on it.
    pub kind: Option<String>,
    /// The payment that it is about; null if that is unknown.
    pub payment_id: Option<Uuid>,
    /// The gateway's name for the payment.
    pub gateway_reference: Option<String>,
    /// The amount, in minor units.
    pub amount_minor: Option<i64>,
    /// The currency (ISO 4217).
    pub currency: Option<String>,
    /// When it happened, by the gateway's clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// When it was acted on.
    pub applied_at: Option<DateTime<Utc>>,
    /// How often the same webhook came again. Nothing was done about these.
    pub duplicates: i32,
    /// When it was received last.
    pub last_duplicate_at: Option<DateTime<Utc>>,
    /// The number of other bodies that came under the same id. They are never acted on.
    pub variants: i64,
}

/// The webhooks that name one of these payments, and those that wait and name one of these references, oldest first.
///
/// They are read across buckets, because a webhook without our id is in the bucket of its sender's id.
pub(super) async fn about(
    connection: &mut PgConnection,
    payments: &[Uuid],
    references: &[String],
) -> Result<Vec<WebhookView>, sqlx::Error> {
    sqlx::query_as!(
        WebhookView,
        r#"
        with found as (
            select i.* from booking.inbox i where i.payment_id = any($1)
            union all
            select i.* from booking.inbox i
            where i.state = 'UNMATCHED' and i.payment_id is null and i.gateway_reference = any($2)
        )
        select provider as "provider!", event_id as "event_id!", state as "state!", kind, payment_id,
               gateway_reference, amount_minor, currency, occurred_at, received_at as "received_at!", applied_at,
               duplicates as "duplicates!", last_duplicate_at,
               (select count(*) from booking.inbox_variants v
                where v.provider = found.provider and v.event_id = found.event_id and v.bucket = found.bucket
               ) as "variants!"
        from found
        order by received_at, event_id
        limit $3
        "#,
        payments,
        references,
        SHOWN_MAX,
    )
    .fetch_all(connection)
    .await
}

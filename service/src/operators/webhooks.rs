//! The webhooks about a saga's payments: acted on, waiting, and such as nobody could match.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;
use uuid::Uuid;

/// Webhooks that are shown of one saga, the first of them: a gateway sends a handful.
const SHOWN_MAX: i64 = 200;

/// A webhook, by what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SagaWebhook)]
pub struct WebhookView {
    /// Who sent it.
    pub provider: String,
    /// The sender's id of it: it is kept once, however often it comes.
    pub event_id: String,
    /// PENDING, UNMATCHED, APPLIED or IGNORED.
    pub state: String,
    /// What it says, in our words; null if it is of a kind that we don't act on.
    pub kind: Option<String>,
    /// About which payment; null if nobody could tell.
    pub payment_id: Option<Uuid>,
    /// The gateway's name for that.
    pub gateway_reference: Option<String>,
    /// How much, in minor units.
    pub amount_minor: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// When it happened, by the gateway's clock.
    pub occurred_at: Option<DateTime<Utc>>,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// When it was acted on.
    pub applied_at: Option<DateTime<Utc>>,
    /// How often the same came again. Nothing was done about it.
    pub duplicates: i32,
    /// When it came last.
    pub last_duplicate_at: Option<DateTime<Utc>>,
    /// Other bodies that came under the same id. They are never acted on.
    pub variants: i64,
}

/// The webhooks that name one of these payments, and those that wait and name one of these references, oldest first.
///
/// They are read across buckets: one without our id in it lives where its sender's id says.
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

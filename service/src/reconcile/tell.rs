//! Tells the nodes what the gateway says now about a case's payment: the safe action of most classes.
//!
//! It takes the same way as all news: a fact is put into the inbox, and the node that acts on it reads the gateway
//! again and decides by the state of the saga. So nothing false is told, and telling twice has one effect.

use super::store::cases::Case;
use crate::news;
use chrono::{DateTime, Utc};
use operator::By;
use serde_json::json;
use sqlx::PgPool;
use steps::{
    PaymentId, Secured,
    gateway::{EventId, Fact, FactKind, Gateway, GatewayError, Intent, IntentId, IntentStatus, Money},
    store::{
        StoreError,
        inbox::{self, Received},
        payments,
    },
};
use uuid::Uuid;

/// Why nothing was told.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The gateway could not be read.
    #[error("reading `{0}` at the gateway")]
    Gateway(String, #[source] GatewayError),
    /// No payment of ours has this name, so there is nobody to tell.
    #[error(
        "no payment of ours has the name `{0}`: find out who charged it, or refund it in the gateway's dashboard"
    )]
    Nobody(String),
    /// The payment that it names is not in our books, so no saga could act on it.
    #[error(
        "`{0}` names payment {1}, which our books don't have: give its money back with `usher case give-back`, or restore our books first"
    )]
    Lost(String, PaymentId),
    /// The gateway says nothing that a node could act on.
    #[error("the gateway has no news of `{0}`: it was neither charged, nor refunded, nor cancelled")]
    NoNews(String),
    /// Our books could not be read or written.
    #[error("writing into the inbox")]
    Store(#[from] StoreError),
    /// The inbox could not be written.
    #[error("writing into the inbox")]
    Database(#[from] sqlx::Error),
}

/// Puts the news of a case's payment into the inbox, with who asked for it and why. A node acts on it within seconds.
///
/// # Errors
/// [`TellError`].
pub async fn tell_nodes(
    pool: &PgPool,
    gateway: &Gateway,
    case: &Case,
    by: &By,
    now: DateTime<Utc>,
) -> Result<FactKind, TellError> {
    let reference = || case.reference.clone();
    let payment = case.payment_id.ok_or_else(|| TellError::Nobody(reference()))?;
    let known = payments::find(&mut *pool.acquire().await?, PaymentId::from_uuid(payment)).await?;
    if known.is_none() {
        return Err(TellError::Lost(reference(), PaymentId::from_uuid(payment)));
    }
    let id = IntentId::new(&*case.reference);
    let intent = gateway.read(&id).await.map_err(|error| TellError::Gateway(reference(), error))?;
    let refunded = match intent.amount_refunded {
        Some(refunded) => refunded,
        None => {
            let refunds =
                gateway.refunds(&id).await.map_err(|error| TellError::Gateway(reference(), error))?;
            let good = refunds.iter().filter(|refund| !refund.status.is_owed_again());
            good.map(|refund| refund.money.amount).sum()
        }
    };
    let event_id = format!("case:{}:{}", case.id, now.timestamp_millis());
    let fact = fact(gateway.provider(), event_id, (&intent, refunded), payment, now);
    let fact = fact.ok_or_else(|| TellError::NoNews(reference()))?;
    let body = json!({"case": case.id, "by": by.actor, "reason": by.reason, "intent": intent}).to_string();
    let row = Received {
        provider: &fact.provider,
        event_id: fact.event_id.as_str(),
        body: body.as_bytes(),
        fact: news::columns(&fact),
    };
    inbox::insert(&mut *pool.acquire().await?, &row, now).await?;
    Ok(fact.kind)
}

/// What the gateway has, as news. Refunds come first, because acting on one reads all of them.
fn fact(
    provider: &str,
    event_id: String,
    (intent, refunded): (&Intent, i64),
    payment: Uuid,
    now: DateTime<Utc>,
) -> Option<Fact> {
    let secured = Secured::of(intent);
    let (kind, money) = match (&secured, intent.status) {
        (_, IntentStatus::Succeeded) if refunded > 0 => {
            (FactKind::ChargeRefunded, Some(Money { amount: refunded, ..intent.money }))
        }
        (Some(secured), _) if secured.captured => (FactKind::Captured, Some(secured.money)),
        (Some(secured), _) => (FactKind::Authorised, Some(secured.money)),
        (None, IntentStatus::Canceled) => (FactKind::Cancelled, Some(intent.money)),
        // The gateway doesn't say how much.
        (None, IntentStatus::Succeeded) => (FactKind::Captured, None),
        (None, IntentStatus::RequiresCapture) => (FactKind::Authorised, None),
        (None, _) => return None,
    };
    let mut trace = intent.trace;
    trace.payment_id = trace.payment_id.or(Some(payment));
    Some(Fact {
        provider: provider.to_owned(),
        event_id: EventId::new(event_id),
        kind,
        intent: Some(intent.id.clone()),
        trace,
        money,
        at: news::whole_seconds(now),
        live: intent.live,
    })
}

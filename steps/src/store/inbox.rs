//! `booking.inbox`: webhooks, stored before they are answered and acted on once.
//!
//! A row lives in the bucket of the payment that the event's metadata names, so that marking it and telling the
//! saga can be one transaction; without one it lives in the bucket of provider and event.

use crate::PaymentId;
use crate::money::Money;
use crate::status::status;
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use orchestrator::Bucket;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

/// A verified webhook to be stored.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// The sender, such as `stripe`.
    pub provider: &'a str,
    /// The sender's id of the event: the same in every delivery.
    pub event_id: &'a str,
    /// Exactly the bytes that were signed.
    pub body: &'a [u8],
    /// Its content, if we act on it.
    pub fact: Option<FactColumns>,
}

/// The content of an event, as columns.
#[derive(Clone, Debug, PartialEq)]
pub struct FactColumns {
    /// The kind, in our words.
    pub kind: String,
    /// The payment that its metadata names.
    pub payment: Option<PaymentId>,
    /// The gateway's name for the payment.
    pub reference: Option<String>,
    /// The amount that the event names.
    pub money: Option<Money>,
    /// When it happened, by the gateway's clock.
    pub at: DateTime<Utc>,
    /// The whole fact, as the adapter wrote it.
    pub whole: Value,
}

/// The result of storing a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It is new.
    New,
    /// It was stored before.
    Duplicate,
    /// Another body came under its id before; this one is kept apart and never acted on.
    Differs,
}

status! {
    /// The state of an inbox row.
    InboxState {
        /// It waits to be acted on.
        Pending = "PENDING",
        /// It is about a payment that we don't know (yet).
        Unmatched = "UNMATCHED",
        /// It was acted on.
        Applied = "APPLIED",
        /// We don't act on its kind.
        Ignored = "IGNORED",
        /// Nobody could act on it, and a person has dealt with it.
        Settled = "SETTLED",
    }
}

/// The key of an inbox row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxKey {
    /// The sender, such as `stripe`.
    pub provider: String,
    /// The sender's id for the event.
    pub event_id: String,
    /// The row's bucket.
    pub bucket: Bucket,
}

/// A row to be acted on or matched.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its key.
    pub key: InboxKey,
    /// When it was stored.
    pub received_at: DateTime<Utc>,
    /// The payment, if it is known.
    pub payment: Option<PaymentId>,
    /// The gateway's name for the payment.
    pub reference: Option<String>,
    /// The whole fact.
    pub fact: Value,
}

impl Waiting {
    /// Its place among the rows that wait.
    pub fn place(&self) -> Place {
        Place { received_at: self.received_at, key: self.key.clone() }
    }
}

impl Received<'_> {
    /// The key under which it is stored.
    pub fn key(&self) -> InboxKey {
        let payment = self.fact.as_ref().and_then(|fact| fact.payment);
        let bucket = match payment {
            Some(payment) => payment.bucket(),
            None => Bucket::of_key(&format!("{}/{}", self.provider, self.event_id)),
        };
        InboxKey { provider: self.provider.to_owned(), event_id: self.event_id.to_owned(), bucket }
    }
}

/// Stores a webhook, once. One statement, so that it can be the whole transaction before the answer.
///
/// # Errors
/// The database failed.
pub async fn insert(
    connection: &mut PgConnection,
    received: &Received<'_>,
    now: DateTime<Utc>,
) -> Result<Stored, StoreError> {
    let state = match &received.fact {
        None => InboxState::Ignored,
        Some(FactColumns { payment: None, .. }) => InboxState::Unmatched,
        Some(FactColumns { payment: Some(_), .. }) => InboxState::Pending,
    };
    let fact = received.fact.as_ref();
    let money = fact.and_then(|fact| fact.money);
    let body_hash = Sha256::digest(received.body);
    let row = sqlx::query_file!(
        "src/store/sql/store_webhook.sql",
        received.provider,
        received.event_id,
        received.key().bucket.number(),
        now,
        received.body,
        body_hash.as_slice(),
        state.as_str(),
        fact.map(|fact| fact.kind.as_str()),
        fact.and_then(|fact| fact.payment).map(PaymentId::uuid),
        fact.and_then(|fact| fact.reference.as_deref()),
        money.map(|money| money.amount),
        money.map(|money| money.currency.as_str().to_owned()),
        fact.map(|fact| fact.at),
        fact.map(|fact| &fact.whole),
    )
    .fetch_one(connection)
    .await?;
    Ok(match (row.new, row.differs) {
        (true, _) => Stored::New,
        (false, true) => Stored::Differs,
        (false, false) => Stored::Duplicate,
    })
}

/// Which of these events we have, whatever their bucket.
///
/// # Errors
/// The database failed.
pub async fn list_known(
    connection: &mut PgConnection,
    provider: &str,
    event_ids: &[String],
) -> Result<Vec<String>, StoreError> {
    let known = sqlx::query_scalar!(
        "select event_id from booking.inbox where provider = $1 and event_id = any($2)",
        provider,
        event_ids,
    )
    .fetch_all(connection)
    .await?;
    Ok(known)
}

/// Marks a row as acted on; `false` if somebody else did before.
///
/// # Errors
/// The database failed.
pub async fn mark_applied(
    connection: &mut PgConnection,
    key: &InboxKey,
    payment: PaymentId,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        update booking.inbox
        set state = 'APPLIED', applied_at = $5, payment_id = $4
        where provider = $1 and event_id = $2 and bucket = $3 and state in ('PENDING', 'UNMATCHED')
        "#,
        key.provider,
        key.event_id,
        key.bucket.number(),
        payment.uuid(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Marks a row whose payment we don't know. It waits on, like a row that names no payment.
///
/// # Errors
/// The database failed.
pub async fn mark_unmatched(connection: &mut PgConnection, key: &InboxKey) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        update booking.inbox
        set state = 'UNMATCHED', payment_id = null
        where provider = $1 and event_id = $2 and bucket = $3 and state = 'PENDING'
        "#,
        key.provider,
        key.event_id,
        key.bucket.number(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a row off the work-list in a person's name; `false` if nothing waits under this key any more.
///
/// # Errors
/// The database failed.
pub async fn mark_settled(
    connection: &mut PgConnection,
    key: &InboxKey,
    by: &str,
    reason: &str,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        r#"
        update booking.inbox
        set state = 'SETTLED', applied_at = now(), settled_by = $4, settled_why = $5
        where provider = $1 and event_id = $2 and bucket = $3 and state in ('PENDING', 'UNMATCHED')
        "#,
        key.provider,
        key.event_id,
        key.bucket.number(),
        by,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Where somebody who goes through the waiting rows has come to: those after it are received later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// When the last one was received.
    pub received_at: DateTime<Utc>,
    /// The key of that row, among the rows of that moment.
    pub key: InboxKey,
}

/// Rows that were not acted on yet, oldest first, at most `limit`; those received from `from` until before `before`, and
/// of these the ones after `after`.
///
/// # Errors
/// The database failed.
pub async fn list_waiting(
    connection: &mut PgConnection,
    from: DateTime<Utc>,
    before: DateTime<Utc>,
    after: Option<&Place>,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    let rows = sqlx::query!(
        r#"
        select provider, event_id, bucket, received_at, payment_id, gateway_reference, fact as "fact!"
        from booking.inbox
        where state in ('PENDING', 'UNMATCHED') and received_at >= $1 and received_at < $2
            and ($3::timestamptz is null or (received_at, event_id, provider) > ($3, $4, $5))
        order by received_at, event_id, provider
        limit $6
        "#,
        after.map_or(from, |after| after.received_at.max(from)),
        before,
        after.map(|after| after.received_at),
        after.map(|after| &*after.key.event_id),
        after.map(|after| &*after.key.provider),
        limit,
    )
    .fetch_all(connection)
    .await?;
    let waiting = |provider, event_id, bucket, received_at, payment: Option<Uuid>, reference, fact| Waiting {
        key: InboxKey { provider, event_id, bucket },
        received_at,
        payment: payment.map(PaymentId::from_uuid),
        reference,
        fact,
    };
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let bucket = Bucket::from_number(row.bucket)?;
            let reference = row.gateway_reference;
            Some(waiting(
                row.provider,
                row.event_id,
                bucket,
                row.received_at,
                row.payment_id,
                reference,
                row.fact,
            ))
        })
        .collect())
}

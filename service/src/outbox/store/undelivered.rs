//! Deliveries that did not arrive, for people. The statements only read, without locks.

use super::key;
use crate::outbox::SubscriptionId;
use chrono::{DateTime, Utc};
use orchestrator::outbox::{self, Message, MessageKey, Which};
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Deliveries that one statement reads. Most of them are shown, unless only some types are asked for.
const PAGE: i64 = 1_000;

/// A message that did not arrive.
#[derive(Clone, Debug)]
pub struct Undelivered {
    /// The message.
    pub message: Message,
    /// The subscription that should get it.
    pub subscription: SubscriptionId,
    /// The subscription's URL.
    pub url: String,
    /// How often it was tried.
    pub attempts: i32,
    /// The last error.
    pub last_error: Option<String>,
    /// When it was given up; `None` if it is still tried.
    pub failed_at: Option<DateTime<Utc>>,
}

/// A delivery without its message.
struct Late {
    message: MessageKey,
    subscription: SubscriptionId,
    url: String,
    decided_at: DateTime<Utc>,
    attempts: i32,
    last_error: Option<String>,
    failed_at: Option<DateTime<Utc>>,
}

/// At most `most` messages, in order of time, that were decided at `from` or later, have not arrived, and have failed or are
/// late.
pub async fn read(
    connection: &mut PgConnection,
    which: &Which<'_>,
    from: DateTime<Utc>,
    most: usize,
) -> Result<Vec<Undelivered>, sqlx::Error> {
    let mut found: Vec<Undelivered> = Vec::new();
    let mut after = None;
    loop {
        let page = read_page(connection, which, from, after).await?;
        let is_last = (page.len() as i64) < PAGE;
        after = page.last().map(|late| (late.decided_at, late.message, late.subscription));
        let keys: Vec<MessageKey> = page.iter().map(|late| late.message).collect();
        let messages = outbox::read(connection, &keys).await?;
        let messages: HashMap<MessageKey, Message> =
            messages.into_iter().map(|message| (message.key, message)).collect();
        let shown = page.into_iter().filter_map(|late| {
            let message = messages.get(&late.message)?;
            let is_wanted = which.kinds.is_empty() || which.kinds.contains(&message.kind);
            is_wanted.then(|| late.of(message.clone()))
        });
        found.extend(shown);
        if is_last || found.len() >= most {
            found.truncate(most);
            return Ok(found);
        }
    }
}

impl Late {
    fn of(self, message: Message) -> Undelivered {
        let Self { subscription, url, attempts, last_error, failed_at, .. } = self;
        Undelivered { message, subscription, url, attempts, last_error, failed_at }
    }
}

async fn read_page(
    connection: &mut PgConnection,
    which: &Which<'_>,
    from: DateTime<Utc>,
    after: Option<(DateTime<Utc>, MessageKey, SubscriptionId)>,
) -> Result<Vec<Late>, sqlx::Error> {
    let (saga, bucket) = which.saga.map(|saga| (saga.uuid(), saga.bucket().number())).unzip();
    let rows = sqlx::query!(
        r#"
        select d.saga_id, d.position, d.ordinal, d.decided_at, s.id as "subscription: SubscriptionId", s.url, d.attempts,
               d.last_error, d.failed_at
        from booking.subscriptions s
        join booking.deliveries d on d.subscription_id = s.id
        where (d.failed_at is not null
               or (d.due_at is not null and (d.last_error is not null or d.decided_at < now() - interval '1 hour')))
          and ($1::uuid is null or (d.saga_id = $1 and d.bucket = $2))
          and d.decided_at >= $3
          and ($4::timestamptz is null
               or (d.decided_at, d.saga_id, d.position, d.ordinal, d.subscription_id) > ($4, $5, $6, $7, $8))
        order by d.decided_at, d.saga_id, d.position, d.ordinal, d.subscription_id
        limit $9
        "#,
        saga,
        bucket,
        from,
        after.map(|(at, ..)| at),
        after.map(|(_, key, _)| key.saga.uuid()),
        after.map(|(_, key, _)| key.position),
        after.map(|(_, key, _)| key.ordinal),
        after.map(|(.., subscription)| subscription.uuid()) as Option<Uuid>,
        PAGE,
    )
    .fetch_all(connection)
    .await?;
    let late = rows.into_iter().map(|row| Late {
        message: key(row.saga_id, row.position, row.ordinal),
        subscription: row.subscription,
        url: row.url,
        decided_at: row.decided_at,
        attempts: row.attempts,
        last_error: row.last_error,
        failed_at: row.failed_at,
    });
    Ok(late.collect())
}

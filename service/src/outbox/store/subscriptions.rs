//! `booking.subscriptions`: the receivers of messages.

use crate::outbox::SubscriptionId;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use std::time::Duration;

/// The most subscriptions: each may have its own requests out, and each message costs a row for every one of them.
pub const SUBSCRIPTIONS_MAX: i64 = 64;

/// A subscription without its secret.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// The URL that its messages are sent to.
    pub url: String,
    /// The types of messages that it gets; empty for all.
    pub types: Vec<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// It gets messages that were decided after this time.
    pub since: DateTime<Utc>,
    /// Attempts in a row that failed.
    pub failures: i32,
    /// When the first of these failed.
    pub failing_since: Option<DateTime<Utc>>,
    /// The time until which nothing is sent to it.
    pub retry_at: Option<DateTime<Utc>>,
    /// The last error.
    pub last_error: Option<String>,
    /// When it was disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why it was disabled.
    pub disabled_because: Option<String>,
}

/// A subscription that is enabled, with its secret.
#[derive(Clone, Debug)]
pub struct Active {
    /// Its id.
    pub id: SubscriptionId,
    /// The URL that its messages are sent to.
    pub url: String,
    /// The types of messages that it gets; empty for all.
    pub types: Vec<String>,
    /// The secret that signs its messages.
    pub secret: SecretString,
    /// It gets messages that were decided after this time.
    pub since: DateTime<Utc>,
    /// Attempts in a row that failed.
    pub failures: i32,
    /// Whether it rests after failures.
    pub rests: bool,
}

/// The result of sending to a subscription since it was read.
#[derive(Clone, Debug)]
pub struct Failed {
    /// The subscription.
    pub id: SubscriptionId,
    /// Its failures in a row when it was read. Only the first node that counts on from there does.
    pub seen: i32,
    /// How long it rests.
    pub wait: Duration,
    /// What went wrong, for people.
    pub error: String,
}

/// Adds a subscription, unless there are [`SUBSCRIPTIONS_MAX`].
pub async fn insert(
    connection: &mut PgConnection,
    id: SubscriptionId,
    url: &str,
    types: &[String],
    secret: &SecretString,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "insert into booking.subscriptions (id, bucket, url, types, secret, created_at, since)
         select $1, $2, $3, $4, $5, now(), now()
         where (select count(*) from booking.subscriptions) < $6",
        id.uuid(),
        id.bucket().number(),
        url,
        types,
        secret.expose_secret(),
        SUBSCRIPTIONS_MAX,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// All subscriptions, oldest first.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<Subscription>, sqlx::Error> {
    sqlx::query_as!(
        Subscription,
        r#"select id as "id: SubscriptionId", url, types, created_at, since, failures, failing_since, retry_at,
                  last_error, disabled_at, disabled_because
           from booking.subscriptions
           order by id"#,
    )
    .fetch_all(connection)
    .await
}

/// The enabled subscriptions, oldest first.
pub async fn read_audience(connection: &mut PgConnection) -> Result<Vec<Active>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select id as "id: SubscriptionId", url, types, secret, since, failures,
                  coalesce(retry_at > now(), false) as "rests!"
           from booking.subscriptions
           where disabled_at is null
           order by id"#,
    )
    .fetch_all(connection)
    .await?;
    let active = rows.into_iter().map(|row| Active {
        id: row.id,
        url: row.url,
        types: row.types,
        secret: row.secret.into(),
        since: row.since,
        failures: row.failures,
        rests: row.rests,
    });
    Ok(active.collect())
}

/// The earliest time since which a subscription wants messages; `None` if there is no subscription.
pub async fn first_since(connection: &mut PgConnection) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("select min(since) from booking.subscriptions where disabled_at is null")
        .fetch_one(connection)
        .await
}

/// Removes a subscription. `false` if it does not exist.
pub async fn delete(connection: &mut PgConnection, id: SubscriptionId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "delete from booking.subscriptions where id = $1 and bucket = $2",
        id.uuid(),
        id.bucket().number(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Enables a subscription again. What waits for it is sent too. `false` if it does not exist.
pub async fn enable(connection: &mut PgConnection, id: SubscriptionId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update booking.subscriptions
         set since = case when disabled_at is null then since else now() end,
             disabled_at = null, disabled_because = null,
             failures = 0, failing_since = null, retry_at = null, last_error = null
         where id = $1 and bucket = $2",
        id.uuid(),
        id.bucket().number(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Records a success: the subscription no longer rests.
pub async fn mark_well(connection: &mut PgConnection, id: SubscriptionId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.subscriptions
         set failures = 0, failing_since = null, retry_at = null, last_error = null
         where id = $1 and bucket = $2 and failures > 0",
        id.uuid(),
        id.bucket().number(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records a failure: the subscription rests for a while. Attempts that were out together count as one.
pub async fn mark_failed(connection: &mut PgConnection, failed: &Failed) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.subscriptions
         set failures = failures + 1,
             failing_since = coalesce(failing_since, now()),
             retry_at = now() + $4 * interval '1 second',
             last_error = $5
         where id = $1 and bucket = $2 and failures = $3",
        failed.id.uuid(),
        failed.id.bucket().number(),
        failed.seen,
        failed.wait.as_secs_f64(),
        failed.error,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Disables a subscription. `true` if it was enabled until now.
pub async fn disable(
    connection: &mut PgConnection,
    id: SubscriptionId,
    because: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "update booking.subscriptions
         set disabled_at = now(), disabled_because = $3
         where id = $1 and bucket = $2 and disabled_at is null",
        id.uuid(),
        id.bucket().number(),
        because,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Disables subscriptions that have only failed for this long. Returns their ids.
pub async fn disable_failing(
    connection: &mut PgConnection,
    after: Duration,
) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"update booking.subscriptions
           set disabled_at = now(),
               disabled_because = 'every attempt since ' || failing_since || ' failed'
           where disabled_at is null and failing_since < now() - $1 * interval '1 second'
           returning id as "id: SubscriptionId""#,
        after.as_secs_f64(),
    )
    .fetch_all(connection)
    .await
}

//! `booking.subscriptions`: who is told of what.

use crate::outbox::SubscriptionId;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use std::time::Duration;

/// Subscriptions at most: each may have its own requests out, and each message costs a row for every one of them.
pub const SUBSCRIPTIONS_MAX: i64 = 64;

/// A subscription, as far as it can be shown.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its id.
    pub id: SubscriptionId,
    /// Where its messages go.
    pub url: String,
    /// The types that it is told of; empty for all.
    pub types: Vec<String>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// It is told of what was decided after this.
    pub since: DateTime<Utc>,
    /// Attempts in a row that failed.
    pub failures: i32,
    /// Since when.
    pub failing_since: Option<DateTime<Utc>>,
    /// Until then nothing is sent.
    pub retry_at: Option<DateTime<Utc>>,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Since when nothing is sent at all.
    pub disabled_at: Option<DateTime<Utc>>,
    /// Why.
    pub disabled_because: Option<String>,
}

/// One that messages are sent to.
#[derive(Clone, Debug)]
pub struct Active {
    /// Its id.
    pub id: SubscriptionId,
    /// Where its messages go.
    pub url: String,
    /// The types that it is told of; empty for all.
    pub types: Vec<String>,
    /// What they are signed with.
    pub secret: SecretString,
    /// It is told of what was decided after this.
    pub since: DateTime<Utc>,
    /// Attempts in a row that failed.
    pub failures: i32,
    /// Whether it is left alone for now.
    pub rests: bool,
}

/// What was sent to a subscription since it was looked at.
#[derive(Clone, Debug)]
pub struct Failed {
    /// Which.
    pub id: SubscriptionId,
    /// Its failures in a row as they were seen: whoever counts first, counts.
    pub seen: i32,
    /// How long it is left alone.
    pub wait: Duration,
    /// What went wrong, for people.
    pub error: String,
}

/// Adds one, unless there are [`SUBSCRIPTIONS_MAX`].
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

/// All of them, oldest first.
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

/// Those that messages are sent to, oldest first.
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

/// Since when one of them wants messages; none if nobody does.
pub async fn first_since(connection: &mut PgConnection) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("select min(since) from booking.subscriptions where disabled_at is null")
        .fetch_one(connection)
        .await
}

/// Takes one away; `false` if there is none.
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

/// Sends to it again, from now on; what waits for it goes out too. `false` if there is none.
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

/// It has answered well: it is left alone no longer.
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

/// It has failed, and is left alone for a while. Of many attempts that were out together one counts.
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

/// Sends nothing more to one; `true` if it was sent to until now.
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

/// Sends nothing more to those that have only failed for so long; gives their ids.
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

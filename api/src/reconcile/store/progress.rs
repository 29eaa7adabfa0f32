//! `booking.reconciled`: how far the job has come with a gateway, and who is at it.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use steps::store::gateway_references::bucket;

/// The row's own key beside the gateway: there is one row a gateway.
fn home(gateway: &str) -> i16 {
    bucket(gateway, "").number()
}

/// Takes the work until `now + claim` and says how far it has come (at first: `begin`); `None` if somebody else is at it.
pub async fn claim(
    connection: &mut PgConnection,
    gateway: &str,
    begin: DateTime<Utc>,
    now: DateTime<Utc>,
    claim: TimeDelta,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into booking.reconciled as r (gateway, bucket, until, claimed_until)
        values ($1, $2, $3, $5)
        on conflict (gateway, bucket) do update
        set claimed_until = excluded.claimed_until
        where r.claimed_until <= $4
        returning until
        "#,
        gateway,
        home(gateway),
        begin,
        now,
        now + claim,
    )
    .fetch_optional(connection)
    .await
}

/// Writes down how far it has come. Never goes back.
pub async fn advance(
    connection: &mut PgConnection,
    gateway: &str,
    until: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.reconciled set until = greatest(until, $3) where gateway = $1 and bucket = $2",
        gateway,
        home(gateway),
        until,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets others take it.
pub async fn release(connection: &mut PgConnection, gateway: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.reconciled set claimed_until = '-infinity' where gateway = $1 and bucket = $2",
        gateway,
        home(gateway),
    )
    .execute(connection)
    .await?;
    Ok(())
}

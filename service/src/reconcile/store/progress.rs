//! `booking.reconciled`: how far the job has come with a gateway, and which node has the work.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use steps::store::gateway_references::bucket;

/// The two looks: everything is compared twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As soon as everything should be settled.
    Soon,
    /// When everything must be settled.
    DayAfter,
}

impl Look {
    /// The word of the column and of the metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Soon => "soon",
            Self::DayAfter => "day-after",
        }
    }
}

/// The bucket of a gateway's rows.
fn home(gateway: &str) -> i16 {
    bucket(gateway, "").number()
}

/// Takes the work until `now + claim`. Returns how far it has come (at first: `begin`); `None` if another node has it.
pub async fn claim(
    connection: &mut PgConnection,
    gateway: &str,
    look: Look,
    begin: DateTime<Utc>,
    now: DateTime<Utc>,
    claim: TimeDelta,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        insert into booking.reconciled as r (gateway, look, bucket, until, claimed_until)
        values ($1, $6, $2, $3, $5)
        on conflict (gateway, look, bucket) do update
        set claimed_until = excluded.claimed_until
        where r.claimed_until <= $4
        returning until
        "#,
        gateway,
        home(gateway),
        begin,
        now,
        now + claim,
        look.as_str(),
    )
    .fetch_optional(connection)
    .await
}

/// Records how far it has come. It never goes back.
pub async fn advance(
    connection: &mut PgConnection,
    gateway: &str,
    look: Look,
    until: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.reconciled set until = greatest(until, $3)
         where gateway = $1 and bucket = $2 and look = $4",
        gateway,
        home(gateway),
        until,
        look.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Lets other nodes take the work.
pub async fn release(connection: &mut PgConnection, gateway: &str, look: Look) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update booking.reconciled set claimed_until = '-infinity'
         where gateway = $1 and bucket = $2 and look = $3",
        gateway,
        home(gateway),
        look.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

//! Compares the seat locks in Redis with the database: no lock may belong to a saga at rest, or last for ever.

use super::{Finding, LISTED_MAX, Violation};
use orchestrator::Bucket;
use redis::aio::MultiplexedConnection;
use sqlx::PgConnection;
use std::{collections::HashMap, time::Duration};
use steps::locks::LockValue;
use tokio::time::timeout;
use uuid::Uuid;

/// Keys that one round trip reads.
const KEYS_A_SCAN: usize = 1_000;
/// How long Redis may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Why the locks could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum LocksError {
    /// Redis failed.
    #[error("asking Redis")]
    Redis(#[from] redis::RedisError),
    /// Redis did not answer in time.
    #[error("Redis does not answer within {ANSWER_MAX:?}")]
    Slow,
    /// The database failed.
    #[error("asking the database")]
    Database(#[from] sqlx::Error),
}

/// Checks every lock whose key begins with `prefix`.
///
/// # Errors
/// [`LocksError`].
pub async fn check_locks(
    connection: &mut PgConnection,
    redis_url: &str,
    prefix: &str,
) -> Result<Finding, LocksError> {
    let client = redis::Client::open(redis_url)?;
    let mut redis = timeout(ANSWER_MAX, client.get_multiplexed_async_connection())
        .await
        .map_err(|_| LocksError::Slow)??;
    let mut violations = Vec::new();
    let mut cursor = 0_u64;
    loop {
        let (next, keys): (u64, Vec<String>) = redis::cmd("SCAN")
            .arg(cursor)
            .arg("MATCH")
            .arg(format!("{}lock:seat:*", escaped(prefix)))
            .arg("COUNT")
            .arg(KEYS_A_SCAN)
            .query_async(&mut redis)
            .await?;
        check_keys(connection, &mut redis, &keys, &mut violations).await?;
        cursor = next;
        if cursor == 0 {
            break;
        }
    }
    let about = "A seat's lock in Redis whose saga is at rest, or that never ends.";
    let count = violations.len();
    violations.truncate(LISTED_MAX);
    Ok(Finding { invariant: "seat_locks", about, violations: count, listed: violations })
}

async fn check_keys(
    connection: &mut PgConnection,
    redis: &mut MultiplexedConnection,
    keys: &[String],
    violations: &mut Vec<Violation>,
) -> Result<(), LocksError> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.cmd("GET").arg(key).cmd("PTTL").arg(key);
    }
    let answers: Vec<(Option<String>, i64)> = pipe.query_async(redis).await?;
    let mut owners = HashMap::<Uuid, &String>::new();
    for (key, (value, ttl_ms)) in keys.iter().zip(&answers) {
        if *ttl_ms == -1 {
            violations.push(Violation { subject: key.clone(), detail: "never ends".into() });
        }
        match value.as_deref().map(str::parse::<LockValue>) {
            Some(Ok(value)) => drop(owners.insert(value.reservation.uuid(), key)),
            Some(Err(error)) => {
                violations.push(Violation { subject: key.clone(), detail: error.to_string() });
            }
            None => {} // it has ended since
        }
    }
    for (reservation, state) in at_rest(connection, &owners.keys().copied().collect::<Vec<_>>()).await? {
        let subject = owners.get(&reservation).map_or_else(|| reservation.to_string(), ToString::to_string);
        let detail = format!("belongs to reservation {reservation}, whose saga is {state}");
        violations.push(Violation { subject, detail });
    }
    Ok(())
}

/// The reservations among these whose saga is at rest, or that don't exist.
async fn at_rest(
    connection: &mut PgConnection,
    reservations: &[Uuid],
) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let buckets: Vec<i16> = reservations.iter().map(|id| Bucket::of_id(*id).number()).collect();
    let rows = sqlx::query!(
        r#"select wanted.id as "id!", coalesce(s.state, 'unknown') as "state!"
           from unnest($1::uuid[], $2::smallint[]) as wanted (id, bucket)
           left join booking.reservations r on r.id = wanted.id and r.bucket = wanted.bucket
           left join usher.sagas s on s.id = r.saga_id and s.bucket = r.bucket
           where coalesce(s.state in ('completed', 'unwound'), true)"#,
        reservations,
        &buckets,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.state)).collect())
}

/// Escapes the characters that have a meaning in patterns.
fn escaped(prefix: &str) -> String {
    prefix.chars().flat_map(|c| "*?[]\\".contains(c).then_some('\\').into_iter().chain([c])).collect()
}

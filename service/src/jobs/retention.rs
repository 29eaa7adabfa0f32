//! Deletes data that is kept for a limited time only, and makes partitions for new data.
//!
//! A run goes on until nothing old is left, or until it must end; the next run, a minute later, continues there. Each
//! statement is short and is followed by a pause of the same length. So a node that is far behind spends at most half
//! of one connection's time on it, and nobody waits.

use super::store;
use crate::{Service, ServiceError, clock, outbox};
use chrono::{DateTime, TimeDelta, Utc};
use orchestrator::Retired;
use sqlx::PgConnection;
use std::time::{Duration, Instant};

/// How much longer than intended the oldest finished sagas have been kept, in seconds.
const BEHIND: &str = "usher_retention_behind_seconds";
/// Counts finished sagas that were removed.
const RETIRED: &str = "usher_sagas_retired_total";

/// How long an idempotency key is kept. A request that is repeated later counts as a new one.
pub const IDEMPOTENCY_KEYS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a finished saga can still be looked at.
const SAGAS_KEPT: TimeDelta = TimeDelta::days(90);
/// How long a message can still be looked at, whether it was delivered or not. This is far longer than delivery is tried.
const MESSAGES_KEPT: TimeDelta = TimeDelta::days(14);
/// Rows of one statement, which must be short so that nobody waits for it.
const ROWS_MAX: i64 = 5_000;
/// A run that has taken this long leaves the rest to the next run, before it is cut off.
const RUN_MAX: Duration = Duration::from_secs(45);
/// If runs are behind by more than this, they can't delete as fast as data becomes old.
const BEHIND_MAX: TimeDelta = TimeDelta::days(1);

/// Data that is kept for a limited time only.
#[derive(Clone, Copy)]
enum Kept {
    Keys,
    Messages,
    Sagas,
}

/// Idempotency keys after a day, messages and their deliveries after [`MESSAGES_KEPT`], finished sagas after [`SAGAS_KEPT`]; the journal's
/// partitions weeks ahead.
pub async fn run(service: Service) -> Result<(), ServiceError> {
    let began = Instant::now();
    let mut connection = service.connection().await?.detach();
    let now = clock::now(&mut connection).await?;
    orchestrator::create_partitions(&mut connection, now).await?;
    tell_how_far_behind(&mut connection, now).await?;
    let mut left = vec![Kept::Keys, Kept::Messages, Kept::Sagas];
    let mut retired = Retired::default();
    // They take turns, so that a large one doesn't hold up the others.
    while !left.is_empty() && began.elapsed() < RUN_MAX && !service.is_draining() {
        let mut unfinished = Vec::with_capacity(left.len());
        for kept in left {
            let statement = Instant::now();
            if delete_some(&mut connection, kept, now, &mut retired).await? {
                unfinished.push(kept);
            }
            // A node that is leaving doesn't wait for the pause.
            let _ = service.while_staying(tokio::time::sleep(statement.elapsed())).await;
        }
        left = unfinished;
    }
    metrics::counter!(RETIRED).increment(retired.sagas);
    let Retired { sagas, letters, weeks } = retired;
    if retired != Retired::default() {
        tracing::info!(sagas, letters, weeks, finished = left.is_empty(), "finished sagas were removed");
    }
    tell_how_far_behind(&mut connection, now).await
}

/// Deletes as many rows as one statement may. Returns whether there may be more.
async fn delete_some(
    connection: &mut PgConnection,
    kept: Kept,
    now: DateTime<Utc>,
    retired: &mut Retired,
) -> Result<bool, ServiceError> {
    let gone = match kept {
        Kept::Keys => store::delete_old_keys(connection, IDEMPOTENCY_KEYS_KEPT, ROWS_MAX).await?,
        Kept::Messages => outbox::delete_old(connection, now - MESSAGES_KEPT, ROWS_MAX).await?,
        Kept::Sagas => {
            let some = orchestrator::retire(connection, now - SAGAS_KEPT, ROWS_MAX).await?;
            *retired += some;
            some.sagas.max(some.letters)
        }
    };
    Ok(gone >= ROWS_MAX.unsigned_abs())
}

async fn tell_how_far_behind(connection: &mut PgConnection, now: DateTime<Utc>) -> Result<(), ServiceError> {
    let until = now - SAGAS_KEPT;
    let oldest = orchestrator::oldest_to_retire(connection, until).await?;
    let behind = oldest.map_or(TimeDelta::zero(), |oldest| until - oldest);
    metrics::gauge!(BEHIND).set(behind.num_seconds().max(0) as f64);
    if behind > BEHIND_MAX {
        let days = behind.num_days();
        tracing::warn!(days, "finished sagas are kept longer than intended: retention is behind");
    }
    Ok(())
}

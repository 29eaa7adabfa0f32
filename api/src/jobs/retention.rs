//! Deletes what is kept for a time only, and makes room for what is to come.

use crate::{
    http::{App, IDEMPOTENCY_KEYS_KEPT, Problem, store},
    outbox::store::messages,
};
use chrono::TimeDelta;

/// How long a finished saga can still be looked at.
const SAGAS_KEPT: TimeDelta = TimeDelta::days(90);
/// How long a message can still be looked at, delivered or not; far longer than it is tried.
const MESSAGES_KEPT: TimeDelta = TimeDelta::days(14);
/// Rows of one statement: a short one, so that nobody waits for it.
const ROWS_MAX: i64 = 5_000;
/// Statements of one run.
const ROUNDS_MAX: usize = 20;

/// Idempotency keys after a day, messages after [`MESSAGES_KEPT`], finished sagas after [`SAGAS_KEPT`]; the journal's partitions weeks ahead.
pub async fn run(app: App) -> Result<(), Problem> {
    let mut connection = app.connection().await?;
    let now = store::now(&mut connection).await?;
    orchestrator::create_partitions(&mut connection, now).await?;
    for _ in 0..ROUNDS_MAX {
        let gone = store::idempotency::delete_old(&mut connection, IDEMPOTENCY_KEYS_KEPT, ROWS_MAX).await?;
        if gone < ROWS_MAX.unsigned_abs() {
            break;
        }
    }
    for _ in 0..ROUNDS_MAX {
        let gone = messages::delete_old(&mut connection, now - MESSAGES_KEPT, ROWS_MAX).await?;
        if gone < ROWS_MAX.unsigned_abs() {
            break;
        }
    }
    let retired = orchestrator::retire(&mut connection, now - SAGAS_KEPT, ROWS_MAX).await?;
    tracing::info!(sagas = retired.sagas, weeks = retired.weeks, "finished sagas are let go");
    Ok(())
}

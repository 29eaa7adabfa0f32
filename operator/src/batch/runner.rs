//! Finds batches to work on: every node with lanes polls, like the sweep, and looks sooner after a nudge.

use super::{
    steer,
    work::{Held, Left},
};
use crate::{
    desk::Operator,
    record::{BatchId, BatchState},
    retention,
    store::batches,
};
use orchestrator::tools::rows;
use rand::Rng;
use sqlx::PgConnection;
use std::time::Duration;
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

/// Batches that one node works on at once. A batch that waits for results must not hold up the others.
const AT_ONCE: usize = 4;
/// Claims without a result before a batch is stopped: the nodes that take it die, or can't write.
const CLAIMS_MAX: i16 = 10;
/// How often old batches are removed, and batches that nobody agreed to are cancelled.
const UPKEEP: Duration = Duration::from_secs(600);
/// Batches cancelled at one time.
const UNCONSENTED_MAX: i64 = 100;

/// Looks for batches and works on them until it is told to stop. Then it finishes and notes what has begun.
pub async fn work_on_batches(operator: Operator, stop: CancellationToken) {
    let mut at_work = JoinSet::new();
    let mut connection: Option<PgConnection> = None;
    let mut upkeep_at = Instant::now();
    while !stop.is_cancelled() {
        if let Err(error) = look(&operator, &stop, &mut connection, &mut at_work, &mut upkeep_at).await {
            tracing::warn!(%error, "the node could not look for batches");
            connection = None;
        }
        let pause = operator.settings().poll.mul_f64(rand::rng().random_range(0.75..1.0));
        tokio::select! {
            () = stop.cancelled() => {}
            () = operator.batches.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
        while at_work.try_join_next().is_some() {}
    }
    while at_work.join_next().await.is_some() {}
}

async fn look(
    operator: &Operator,
    stop: &CancellationToken,
    connection: &mut Option<PgConnection>,
    at_work: &mut JoinSet<()>,
    upkeep_at: &mut Instant,
) -> Result<(), sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(operator.connect("batches").await?),
    };
    let settings = operator.settings();
    for id in batches::find_idle(connection, AT_ONCE.saturating_sub(at_work.len()) as i64).await? {
        let token = rand::rng().random::<i64>();
        let Some(claimed) = batches::claim(connection, id, token, &settings.node, settings.lease).await?
        else {
            continue;
        };
        if claimed.claims > CLAIMS_MAX {
            stop_hopeless(operator, id, token).await?;
            continue;
        }
        let (operator, its, stop) = (operator.clone(), operator.connect("batch").await?, stop.clone());
        at_work.spawn(async move {
            let worked = async { Held::take_up(operator, its, id, token, stop).await?.work().await };
            match worked.await {
                Ok(()) => {}
                Err(Left::Fenced) => tracing::info!(batch = %id, "another node has taken over the batch"),
                Err(error) => tracing::warn!(batch = %id, %error, "work on the batch ended before it did"),
            }
        });
    }
    if Instant::now() >= *upkeep_at {
        *upkeep_at = Instant::now() + UPKEEP;
        keep_up(operator, connection).await?;
    }
    Ok(())
}

async fn stop_hopeless(operator: &Operator, id: BatchId, token: i64) -> Result<(), sqlx::Error> {
    let mut connection = operator.connect("batch").await?;
    let why = format!("{CLAIMS_MAX} nodes took it, one after the other, and noted nothing");
    sqlx::raw_sql("begin").execute(&mut connection).await?;
    if batches::end(&mut connection, id, token, BatchState::Stopped, Some(&why), false).await? {
        steer::audit_end(&mut connection, id, BatchState::Stopped, &why).await?;
    }
    sqlx::raw_sql("commit").execute(&mut connection).await?;
    tracing::error!(batch = %id, %why, "a batch was stopped");
    Ok(())
}

async fn keep_up(operator: &Operator, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for id in batches::find_unconsented(connection, UNCONSENTED_MAX).await? {
        if let Err(error) = operator.cancel_unconsented(id).await {
            tracing::warn!(batch = %id, %error, "a batch that nobody agreed to could not be cancelled");
        }
    }
    let now = rows::now(connection).await?;
    retention::retire_operations(connection, now).await
}

//! One item of a batch: the action, in its saga's own transaction.
//!
//! The action is done once, even if a node dies between acting and noting, or if several nodes think that the item is
//! theirs: under the saga's lock, we first look for the row that the action left in the audit.

use crate::{
    by::By,
    desk::Operator,
    error::OperatorError,
    order::{Order, Purpose},
    record::BatchId,
    store::audit,
};
use orchestrator::{
    DatabaseFault, SagaId, Tx,
    tools::{self, Action, rows},
};
use rand::Rng;
use sqlx::PgConnection;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The action of a batch, the person who asked for it, and the connections for it.
pub(super) struct Errand {
    pub batch: BatchId,
    pub action: Action,
    pub by: By,
    pub consented_by: Option<String>,
    pub idle: Mutex<Vec<PgConnection>>,
}

/// How acting on one saga ended.
#[derive(Debug, PartialEq)]
pub(super) enum Acted {
    /// It is done.
    Now,
    /// It was done before, by a node that did not get to note it.
    Before,
    /// The saga's state does not allow it.
    Refused(String),
    /// It could not be done.
    Failed(String),
    /// The database is away. Nobody knows whether it was done; the next node finds out.
    Lost(String),
}

/// How often a conflict is tried again. Conflicts with lanes are over in moments; if there are more, the reason is another one.
const TRIES_MAX: u32 = 8;
/// The wait between two tries.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// How long one action may take: longer than all of its statements together.
const ACT_MAX: Duration = Duration::from_secs(60);

/// Acts on one saga, on a thread of the runtime's pool, because a workflow's future stays on its thread.
pub(super) async fn act(operator: &Operator, errand: &Arc<Errand>, saga: SagaId) -> Acted {
    let (operator, errand, runtime) = (operator.clone(), errand.clone(), tokio::runtime::Handle::current());
    let client = operator.client.clone();
    let task = tokio::task::spawn_blocking(move || runtime.block_on(try_to_act(&operator, &errand, saga)));
    let acted = match tokio::time::timeout(ACT_MAX, task).await {
        Ok(Ok(acted)) => acted,
        Ok(Err(panic)) => Acted::Failed(panic.to_string()),
        Err(_) => Acted::Failed(format!("it took longer than {ACT_MAX:?}")),
    };
    if acted == Acted::Now {
        client.nudge(saga).await;
    }
    acted
}

async fn try_to_act(operator: &Operator, errand: &Errand, saga: SagaId) -> Acted {
    let mut tried = 1;
    loop {
        let error = match act_once(operator, errand, saga).await {
            Ok(acted) => return acted,
            Err(error) => error,
        };
        match DatabaseFault::of(&error) {
            DatabaseFault::Conflict if tried < TRIES_MAX => {}
            DatabaseFault::Unavailable => return Acted::Lost(error.to_string()),
            DatabaseFault::Conflict | DatabaseFault::Statement => return Acted::Failed(error.to_string()),
        }
        tokio::time::sleep(TRY_AGAIN.mul_f64(f64::from(tried) * rand::rng().random_range(0.5..1.5))).await;
        tried += 1;
    }
}

async fn act_once(operator: &Operator, errand: &Errand, saga: SagaId) -> Result<Acted, sqlx::Error> {
    let idle = errand.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let connection = match idle {
        Some(connection) => connection,
        None => operator.connect("batch").await?,
    };
    let mut tx = tools::tx_on(connection);
    sqlx::raw_sql("begin").execute(&mut *tx).await?;
    // An error drops the connection, and the transaction with it.
    let acted = in_transaction(operator, errand, saga, &mut tx).await?;
    let end = if acted == Acted::Now { "commit" } else { "rollback" };
    sqlx::raw_sql(end).execute(&mut *tx).await?;
    tools::fault_point("batch-acted", &operator.settings().node);
    if acted == Acted::Now {
        operator.committed(&mut tx, saga, &errand.action).await;
    }
    errand.idle.lock().unwrap_or_else(PoisonError::into_inner).push(tools::connection_of(tx));
    Ok(acted)
}

async fn in_transaction(
    operator: &Operator,
    errand: &Errand,
    saga: SagaId,
    tx: &mut Tx,
) -> Result<Acted, sqlx::Error> {
    if !rows::wait_for(&mut *tx, saga).await? {
        return Ok(Acted::Refused("the saga is gone: it was at rest for long".into()));
    }
    if audit::has_acted(&mut *tx, saga, errand.batch).await? {
        return Ok(Acted::Before);
    }
    let order = Order {
        action: errand.action.clone(),
        by: errand.by.clone(),
        purpose: Purpose::Batch { batch: errand.batch, consented_by: errand.consented_by.clone() },
    };
    match operator.act(tx, saga, &order).await {
        Ok(plan) if order.lacks_consent(&plan, operator.limits) => {
            Ok(Acted::Refused("by now it moves more money than one person may move alone".into()))
        }
        Ok(_) => Ok(Acted::Now),
        Err(OperatorError::NotAllowed { why, .. }) => Ok(Acted::Refused(why)),
        Err(OperatorError::Database(error)) => Err(error),
        Err(error) => Ok(Acted::Failed(error.to_string())),
    }
}

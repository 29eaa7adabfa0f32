//! Operators: see why a saga is where it is, and put it right.
//!
//! There is one planner. [`Operator::plan`] and [`Operator::execute`] lock the saga's row, apply the action, let the
//! lanes' own code run what follows of ours, and write it all under the row's epoch; the plan is read off the
//! transaction, and only `execute` commits it. Calls never leave from here: the saga is due, and lanes go on.

mod action;
mod batch;
mod consent;
mod error;
mod filter;
mod line;
mod list;
pub mod numbers;
mod order;
mod plan;
mod seen;
mod suggest;
mod why;

pub use crate::record::{Action, ActionKind, Attempt, JournalEntry, Trouble};
pub use action::{Allowed, allowed_actions};
pub use batch::{
    Batch, BatchId, BatchItem, BatchPreview, BatchState, ITEMS_MAX, ItemResult, NewBatch, Results,
};
pub(crate) use batch::{Tally, run as work_on_batches};
pub use consent::{Limits, Proposal, ProposalId, ProposalState, Requested};
pub use error::OperatorError;
pub use filter::Filter;
pub use list::{Group, Listed};
pub use plan::{Plan, PlannedCall, Touched};
pub use seen::{Key, Letter, Seen, Told};
pub use why::{Why, why};

use crate::{
    client::Client,
    database::Database,
    id::SagaId,
    machine::by_hand::{Instruction, LockedSaga, NotDone},
    medium::Tx,
    registry::Registry,
    settings::Settings,
    store::audit,
};
use futures_util::future::BoxFuture;
use order::{Order, Purpose};
use serde_json::Value;
use sqlx::PgConnection;
use std::sync::Arc;
use tokio::sync::Notify;

/// What operators need of a node besides its lanes.
pub(crate) struct Desk {
    pub registry: Arc<Registry>,
    pub database: Database,
    pub settings: Settings,
    pub rows: Option<Arc<dyn Rows>>,
    /// Tells this node that there is a batch to work on. Only a hint.
    pub batches: Notify,
}

impl Desk {
    pub fn new(
        registry: Arc<Registry>,
        database: Database,
        settings: Settings,
        rows: Option<Arc<dyn Rows>>,
    ) -> Self {
        Self { registry, database, settings, rows, batches: Notify::new() }
    }
}

/// Operators' way in. Cheap to clone.
#[derive(Clone)]
pub struct Operator {
    client: Client,
    desk: Arc<Desk>,
    rows: Option<Arc<dyn Rows>>,
    limits: Limits,
}

/// The service's own rows: of a saga for previews, and by a word for searches.
pub trait Rows: Send + Sync + 'static {
    /// What is shown of them, in the planner's transaction.
    fn of<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        saga: SagaId,
    ) -> BoxFuture<'a, Result<Value, sqlx::Error>>;

    /// The sagas that a word of the service's own names: one of its ids, somebody's name, what another system calls it. A
    /// hundred at most.
    fn find<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        word: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SagaId>, sqlx::Error>> {
        let _ = (connection, word);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// After the commit of an action, outside of its transaction: what may be lost without harm, such as hints to
    /// whoever goes by what was true before. Its failure is told to nobody but the log.
    fn acted<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        saga: SagaId,
        action: &'a Action,
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        let _ = (connection, saga, action);
        Box::pin(async { Ok(()) })
    }
}

/// Who acts, and why. Neither may be empty.
#[derive(Clone, Debug)]
pub struct By {
    /// As the audit names them.
    pub actor: String,
    /// For those who read it later.
    pub reason: String,
}

impl By {
    fn checked(&self) -> Result<(), OperatorError> {
        let said = !self.actor.trim().is_empty() && !self.reason.trim().is_empty();
        if said { Ok(()) } else { Err(OperatorError::Anonymous) }
    }
}

/// What an operator has seen, and decides on.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The saga's version: [`Plan::etag`] or [`Seen::etag`].
    pub etag: String,
    /// The plan's hash, if there was a preview.
    pub plan_hash: Option<String>,
}

impl Client {
    /// What operators do. On every node, with lanes or without.
    pub fn operator(&self) -> Operator {
        let (rows, limits) = (self.desk.rows.clone(), self.desk.settings.limits);
        Operator { client: self.clone(), desk: self.desk.clone(), rows, limits }
    }
}

impl Operator {
    /// With the service's rows in previews.
    pub fn with_rows(mut self, rows: Arc<dyn Rows>) -> Self {
        self.rows = Some(rows);
        self
    }

    /// What the action would do. Nothing of it stays.
    pub async fn plan(&self, saga: SagaId, action: Action, by: By) -> Result<Plan, OperatorError> {
        self.on_thread(saga, Order { action, by, purpose: Purpose::Preview }).await
    }

    /// Does it, if the saga and the plan are what the operator has seen, and one person may; says what was done.
    pub async fn execute(
        &self,
        saga: SagaId,
        action: Action,
        by: By,
        expected: Expected,
    ) -> Result<Plan, OperatorError> {
        let done = self.on_thread(saga, Order { action, by, purpose: Purpose::Execute(expected) }).await?;
        self.client.nudge(saga).await;
        Ok(done)
    }

    /// A workflow's future stays on its thread, and a caller who hangs up must not end a transaction half-way: so a
    /// thread of the runtime's pool does all of it.
    async fn on_thread(&self, saga: SagaId, order: Order) -> Result<Plan, OperatorError> {
        order.by.checked()?;
        if let Purpose::Consented { second, .. } = &order.purpose {
            second.checked()?;
        }
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let task = tokio::task::spawn_blocking(move || runtime.block_on(this.in_transaction(saga, &order)));
        task.await.map_err(|panic| OperatorError::Failed(panic.to_string()))?
    }

    async fn in_transaction(&self, saga: SagaId, order: &Order) -> Result<Plan, OperatorError> {
        let mut tx = Self::tx(self.begin().await?);
        let plan = self.act(&mut tx, saga, order).await?;
        let Some(expected) = order.expected() else { return Ok(plan) };
        if expected.plan_hash.as_ref().is_some_and(|hash| *hash != plan.hash) {
            return Err(OperatorError::PlanChanged(Box::new(plan)));
        }
        if order.lacks_consent(&plan, self.limits) {
            return Err(OperatorError::NeedsConsent(Box::new(plan)));
        }
        sqlx::raw_sql("commit").execute(&mut tx.connection).await?;
        self.committed(&mut tx, saga, &order.action).await;
        Ok(plan)
    }

    /// Lets the service tell its own, now that it is true.
    async fn committed(&self, tx: &mut Tx, saga: SagaId, action: &Action) {
        if let Some(rows) = &self.rows
            && let Err(error) = rows.acted(&mut tx.connection, saga, action).await
        {
            tracing::warn!(%saga, action = action.name(), %error, "the action is done, and its hints are lost");
        }
    }

    /// A transaction on a connection of its own: dropped, it takes what is unfinished along.
    async fn begin(&self) -> Result<PgConnection, sqlx::Error> {
        let mut connection = self.desk.database.connect("operator").await?;
        sqlx::raw_sql("begin").execute(&mut connection).await?;
        Ok(connection)
    }

    fn tx(connection: PgConnection) -> Tx {
        Tx::on(connection, Arc::default())
    }

    #[allow(clippy::too_many_lines, reason = "the order of its parts is what there is to know")]
    async fn act(&self, tx: &mut Tx, saga: SagaId, order: &Order) -> Result<Plan, OperatorError> {
        let Order { action, by, .. } = order;
        let locked =
            LockedSaga::lock(&mut tx.connection, saga).await?.ok_or(OperatorError::NotFound(saga))?;
        let LockedSaga { status, history, now } = &locked;
        let now = *now;
        consent::take(&mut tx.connection, order, now).await?;
        let etag = seen::etag(status);
        if order.expected().is_some_and(|expected| expected.etag != etag) {
            return Err(OperatorError::Changed { etag });
        }
        let registry = self.desk.registry.as_ref();
        // Whose workflow panics must still be told what else is possible.
        let not_allowed = |why: String| OperatorError::NotAllowed {
            action: action.name(),
            why,
            allowed: seen::open(status, history.as_ref().ok(), registry),
        };
        if let Some(why) = action::refusal(action.kind(), status, history.as_ref().ok(), registry) {
            return Err(not_allowed(why));
        }
        let before = self.domain(tx, saga, order).await?;
        let instruction =
            Instruction { action, actor: &by.actor, reason: &by.reason, consented_by: order.consented_by() };
        let left = locked.act(tx, instruction, registry, &self.desk.settings).await;
        let left = left.map_err(|not_done| match not_done {
            NotDone::Refused(why) => not_allowed(why),
            NotDone::Database(error) => OperatorError::Database(error),
        })?;
        let after = self.domain(tx, saga, order).await?;
        let detail = order.detail(&etag, left.state);
        let record = audit::Record {
            subject: saga.into(),
            actor: by.actor.clone(),
            action: action.name(),
            reason: by.reason.clone(),
            detail: detail.to_string(),
        };
        audit::add(&mut tx.connection, &[record], now).await?;
        let touched = if order.is_shown() { seen::touched(&mut tx.connection).await? } else { Vec::new() };
        let calls = seen::calls(saga, &left, registry, now);
        let words = serde_json::to_string(action).unwrap_or_default();
        Ok(Plan {
            saga,
            action: action.name(),
            etag,
            money: seen::money(&left, &calls, registry),
            frees: seen::freed(&left, registry),
            entries: left.entries().to_vec(),
            state: left.state,
            stuck: left.stuck,
            paused: left.paused,
            due_at: left.due_at,
            touched,
            calls,
            before,
            after,
            hash: String::new(),
        }
        .hashed(&words))
    }

    async fn domain(&self, tx: &mut Tx, saga: SagaId, order: &Order) -> Result<Value, sqlx::Error> {
        match self.rows.as_ref().filter(|_| order.is_shown()) {
            Some(rows) => rows.of(&mut tx.connection, saga).await,
            None => Ok(Value::Null),
        }
    }
}

//! The planner. There is one for both: for plans that are only shown, and for plans that are done.
//!
//! It locks the saga's row, lets the engine apply the action and run our own steps that follow, and writes all of it under
//! the row's epoch. The plan is read from the transaction, and only [`Operator::execute`] commits it. The planner never
//! makes calls: the saga becomes due, and lanes go on.

use crate::{
    action,
    by::{By, Expected},
    consent,
    desk::Operator,
    error::OperatorError,
    order::{Order, Purpose},
    plan::Plan,
    preview, seen,
    store::touched,
};
use orchestrator::{
    SagaId, Tx,
    tools::{self, Action, Instruction, LockedSaga, NotDone, rows},
};
use serde_json::Value;

impl Operator {
    /// Plans an action. Nothing is changed.
    pub async fn plan(&self, saga: SagaId, action: Action, by: By) -> Result<Plan, OperatorError> {
        self.on_thread(saga, Order { action, by, purpose: Purpose::Preview }).await
    }

    /// Does an action, if the saga and the plan are what the operator has seen, and one person may do it. Returns what was done.
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

    /// Runs on a thread of the runtime's pool: a workflow's future stays on its thread, and a caller who hangs up must not
    /// end a transaction half-way.
    pub(crate) async fn on_thread(&self, saga: SagaId, order: Order) -> Result<Plan, OperatorError> {
        order.by.checked()?;
        if let Purpose::Consented { second, .. } = &order.purpose {
            second.checked()?;
        }
        let (this, runtime) = (self.clone(), tokio::runtime::Handle::current());
        let task = tokio::task::spawn_blocking(move || runtime.block_on(this.in_transaction(saga, &order)));
        task.await.map_err(|panic| OperatorError::Failed(panic.to_string()))?
    }

    async fn in_transaction(&self, saga: SagaId, order: &Order) -> Result<Plan, OperatorError> {
        let mut tx = tools::tx_on(self.begin().await?);
        let plan = self.act(&mut tx, saga, order).await?;
        let Some(expected) = order.expected() else { return Ok(plan) };
        if expected.plan_hash.as_ref().is_some_and(|hash| *hash != plan.hash) {
            return Err(OperatorError::PlanChanged(Box::new(plan)));
        }
        if order.lacks_consent(&plan, self.limits) {
            return Err(OperatorError::NeedsConsent(Box::new(plan)));
        }
        sqlx::raw_sql("commit").execute(&mut *tx).await?;
        self.committed(&mut tx, saga, &order.action).await;
        Ok(plan)
    }

    /// Lets the service send its hints, now that the action is committed.
    pub(crate) async fn committed(&self, tx: &mut Tx, saga: SagaId, action: &Action) {
        if let Some(rows) = &self.rows
            && let Err(error) = rows.acted(&mut *tx, saga, action).await
        {
            tracing::warn!(%saga, action = action.name(), %error, "the action was done, but its hints were lost");
        }
    }

    pub(crate) async fn act(&self, tx: &mut Tx, saga: SagaId, order: &Order) -> Result<Plan, OperatorError> {
        let Order { action, by, .. } = order;
        let locked = LockedSaga::lock(&mut *tx, saga).await?.ok_or(OperatorError::NotFound(saga))?;
        let LockedSaga { status, history, now } = &locked;
        let now = *now;
        consent::accept_proposal(&mut *tx, order, now).await?;
        let etag = seen::etag(status);
        if order.expected().is_some_and(|expected| expected.etag != etag) {
            return Err(OperatorError::Changed { etag });
        }
        let registry = self.registry();
        // If the workflow panics, the operator must still be told what else is possible.
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
        let left = locked.act(tx, instruction, registry, self.settings()).await;
        let left = left.map_err(|not_done| match not_done {
            NotDone::Refused(why) => not_allowed(why),
            NotDone::Database(error) => OperatorError::Database(error),
        })?;
        let after = self.domain(tx, saga, order).await?;
        let detail = order.detail(&etag, left.state);
        let record = rows::AuditRecord {
            subject: saga.uuid(),
            actor: by.actor.clone(),
            action: action.name(),
            reason: by.reason.clone(),
            detail: detail.to_string(),
        };
        rows::add_to_audit(&mut *tx, &[record], now).await?;
        let touched = if order.is_shown() { touched::read(&mut *tx).await? } else { Vec::new() };
        let calls = preview::calls(saga, &left, registry, now);
        let words = serde_json::to_string(action).unwrap_or_default();
        Ok(Plan {
            saga,
            action: action.name(),
            etag,
            money: preview::money(&left, &calls, registry),
            frees: preview::freed(&left, registry),
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
            Some(rows) => rows.of(&mut *tx, saga).await,
            None => Ok(Value::Null),
        }
    }
}

//! Operators: see why a saga is where it is, and put it right.
//!
//! There is one planner. [`Operator::plan`] and [`Operator::execute`] lock the saga's row, apply the action, let the
//! lanes' own code run what follows of ours, and write it all under the row's epoch; the plan is read off the
//! transaction, and only `execute` commits it. Calls never leave from here: the saga is due, and lanes go on.

mod action;
mod apply;
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
pub use why::{Knows, Why, why};

use crate::{
    client::Client,
    database::Database,
    id::SagaId,
    journal::{Entry, History},
    lane::{self, Culprits, Env, Places, Probe, Run, Signs, TurnError},
    medium::Tx,
    record::{Stake, State, Status},
    registry::Registry,
    settings::Settings,
    store::{attempts, audit, mailbox, sagas},
};
use apply::Unapplied;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use order::{Order, Purpose};
use rand::Rng;
use serde_json::Value;
use sqlx::PgConnection;
use std::{cell::Cell, sync::Arc};
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
        let (status, history, now) = locked(&mut tx.connection, saga).await?;
        consent::take(&mut tx.connection, order, now).await?;
        let etag = seen::etag(&status);
        if order.expected().is_some_and(|expected| expected.etag != etag) {
            return Err(OperatorError::Changed { etag });
        }
        let registry = self.desk.registry.as_ref();
        // Whose workflow panics must still be told what else is possible.
        let not_allowed = |why: String| OperatorError::NotAllowed {
            action: action.name(),
            why,
            allowed: seen::open(&status, history.as_ref().ok(), registry),
        };
        if let Some(why) = action::refusal(action.kind(), &status, history.as_ref().ok(), registry) {
            return Err(not_allowed(why));
        }
        let before = self.domain(tx, saga, order).await?;
        let (signs, culprits, places) = (Signs::default(), Culprits::default(), Places::new(1, Vec::new()));
        let env = Env {
            registry: &self.desk.registry,
            settings: &self.desk.settings,
            now,
            token: rand::rng().random(),
            signs: &signs,
            culprits: &culprits,
            places: &places,
            draining: true,
            polled: Cell::default(),
            checked: false,
        };
        let left = match &history {
            _ if status.leased => {
                beside_a_call(tx, &status, action, by).await?;
                let (left, _) = seen::read(&mut tx.connection, saga).await?;
                Left::of_status(&left, left.paused)
            }
            // What this binary doesn't know it must not run either, not even to find that out.
            Ok(history) if registry.workflow(&status.workflow, status.version) => {
                let done = self.move_saga(tx, saga, history.clone(), order, &env).await;
                done.map_err(|unapplied| match unapplied {
                    Unapplied::Refused(why) => not_allowed(why),
                    Unapplied::Database(error) => OperatorError::Database(error),
                })?
            }
            Ok(_) | Err(_) => {
                beside_its_journal(tx, &status, action, by).await?;
                let (status, _) = seen::read(&mut tx.connection, saga).await?;
                Left::of_status(&status, status.paused)
            }
        };
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
        let words = serde_json::to_string(action).unwrap_or_default();
        Ok(Plan {
            saga,
            action: action.name(),
            etag,
            entries: left.entries,
            state: left.state,
            stuck: left.stuck,
            paused: left.paused,
            due_at: left.due_at,
            touched,
            calls: left.calls,
            money: left.money,
            frees: left.frees,
            before,
            after,
            hash: String::new(),
        }
        .hashed(&words))
    }

    /// The lanes' own way, for one saga: what the action begins goes on until a call would leave.
    async fn move_saga(
        &self,
        tx: &mut Tx,
        saga: SagaId,
        history: History,
        order: &Order,
        env: &Env<'_>,
    ) -> Result<Left, Unapplied> {
        let rows = sagas::lock(&mut tx.connection, &[saga]).await.map_err(Unapplied::Database)?;
        let row = rows.into_iter().next().ok_or_else(|| Unapplied::Refused("its row is gone".into()))?;
        let chosen = history.letters_chosen();
        let mut run = Run::new(row, false, history, env);
        let letters = mailbox::read(&mut tx.connection, &[(saga, chosen)]).await;
        let mut letters = letters.map_err(Unapplied::Database)?;
        run.letters = letters.remove(&saga).unwrap_or_default();
        apply::apply(&mut run, &order.action, &order.by, order.consented_by(), tx, env).await?;
        let mut runs = [run];
        let moved = async {
            lane::run_all(tx, &mut runs, &mut Probe::default(), env).await?;
            lane::write(tx, &runs, env).await
        };
        moved.await.map_err(|error| match error {
            TurnError::Repeat(error) | TurnError::Lost(error) => Unapplied::Database(error),
            error => Unapplied::Refused(error.to_string()),
        })?;
        let [run] = runs;
        Ok(Left::of_run(&run, env))
    }

    async fn domain(&self, tx: &mut Tx, saga: SagaId, order: &Order) -> Result<Value, sqlx::Error> {
        match self.rows.as_ref().filter(|_| order.is_shown()) {
            Some(rows) => rows.of(&mut tx.connection, saga).await,
            None => Ok(Value::Null),
        }
    }
}

/// How an action leaves its saga.
struct Left {
    entries: Vec<Entry>,
    state: State,
    stuck: Option<crate::StuckCause>,
    paused: bool,
    due_at: Option<DateTime<Utc>>,
    calls: Vec<PlannedCall>,
    money: Vec<Stake>,
    frees: Vec<Stake>,
}

impl Left {
    fn of_status(status: &Status, paused: bool) -> Self {
        let Status { state, due_at, stuck, .. } = status.clone();
        Self {
            entries: Vec::new(),
            state,
            stuck,
            paused,
            due_at,
            calls: Vec::new(),
            money: Vec::new(),
            frees: Vec::new(),
        }
    }

    fn of_run(run: &Run, env: &Env<'_>) -> Self {
        let parked = run.parked.clone().expect("the round ends when every saga is parked");
        let history = run.core.history();
        let paused = match run.pause {
            Some(lane::Pause::Begin { .. }) => true,
            Some(lane::Pause::End) => false,
            None => run.row.paused,
        };
        let (entries, calls) = (history.entries()[run.committed..].to_vec(), seen::calls(run, env));
        Self {
            money: seen::money(&history, &entries, &calls, env.registry),
            frees: seen::freed(&history, &entries, env.registry),
            entries,
            state: parked.state,
            stuck: parked.stuck,
            paused,
            due_at: parked.due_at,
            calls,
        }
    }
}

/// With a call out, its holder must find its token: the row is marked, or a letter left, and nothing else changes.
async fn beside_a_call(tx: &mut Tx, status: &Status, action: &Action, by: &By) -> Result<(), sqlx::Error> {
    match action {
        Action::Pause => sagas::pause(&mut tx.connection, status.id, Some((&by.actor, &by.reason))).await,
        Action::Resume => sagas::pause(&mut tx.connection, status.id, None).await,
        Action::ReleaseLease => {
            let connection = &mut tx.connection;
            let now = sagas::now(connection).await?;
            attempts::add_lost(connection, &[status.id], now).await?;
            sagas::release_lease(connection, status.id, rand::rng().random(), now).await
        }
        _ => {
            let letter = mailbox::Letter {
                kind: mailbox::Kind::Cancel,
                name: String::new(),
                sender: by.actor.clone(),
                payload: "null".into(),
            };
            mailbox::deliver(&mut tx.connection, status.id, &letter).await.map(drop)
        }
    }
}

/// Where no entry can be written because those before can't be read, or the workflow isn't known here, only the row is touched: the audit alone says it.
async fn beside_its_journal(
    tx: &mut Tx,
    status: &Status,
    action: &Action,
    by: &By,
) -> Result<(), sqlx::Error> {
    let connection = &mut tx.connection;
    if matches!(action, Action::Pause) {
        return sagas::pause(connection, status.id, Some((&by.actor, &by.reason))).await;
    }
    if status.paused {
        sagas::pause(connection, status.id, None).await?;
    }
    sagas::make_due_at_once(connection, status.id).await
}

/// The saga's row, locked however long that takes within the lock timeout, and its journal.
async fn locked(
    connection: &mut PgConnection,
    saga: SagaId,
) -> Result<(Status, Result<History, String>, DateTime<Utc>), OperatorError> {
    if !sagas::wait_for(connection, saga).await? {
        return Err(OperatorError::NotFound(saga));
    }
    let now = sagas::now(connection).await?;
    let (status, history) = seen::read(connection, saga).await?;
    Ok((status, history, now))
}

//! What an action comes to, as it is told to the outside.

use super::ProposalView;
use chrono::{DateTime, Utc};
use operator::{Plan, PlannedCall, Touched};
use orchestrator::{Stake, journal::Entry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What came of an action: one of both.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Acted {
    /// What it does, or did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plan: Option<PlanView>,
    /// What waits for a second person, and was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proposal: Option<ProposalView>,
}

/// What an action does.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanView {
    /// To which saga.
    pub saga: Uuid,
    /// The action's name.
    pub action: &'static str,
    /// The saga's version before.
    pub etag: String,
    /// Of all this but what the clock decides: send it as `plan` to have exactly this done.
    pub hash: String,
    /// Entries that are written.
    #[schema(value_type = Vec<Object>)]
    pub entries: Vec<Entry>,
    /// The saga's state afterwards.
    pub state: String,
    /// Why it needs a person even then.
    #[schema(value_type = Option<Object>)]
    pub stuck: Option<Value>,
    /// Whether it is paused afterwards.
    pub paused: bool,
    /// When lanes look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Rows that change, by table.
    pub touched: Vec<TouchedView>,
    /// Calls that leave when lanes go on; while it is unwinding, all that are owed.
    pub calls: Vec<CallView>,
    /// Money that moves: of calls that leave, and of what is taken as settled without one.
    #[schema(value_type = Vec<Object>)]
    pub money: Vec<Stake>,
    /// Seats that are given back: at once, or once the calls before are answered.
    #[schema(value_type = Vec<Object>)]
    pub frees: Vec<Stake>,
    /// The service's rows before; null if there are none.
    pub before: Value,
    /// The service's rows after; null if there are none.
    pub after: Value,
}

/// Rows of one table that an action changes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TouchedRows)]
pub struct TouchedView {
    /// With its schema.
    pub table: String,
    /// How many rows are added.
    pub inserted: i64,
    /// How many rows are changed.
    pub updated: i64,
    /// How many rows are removed.
    pub deleted: i64,
}

/// A call that would leave.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlannedCall)]
pub struct CallView {
    /// The step's name.
    pub step: String,
    /// Whether its compensation.
    pub undo: bool,
    /// Where the step began.
    pub position: i32,
    /// What is sent as idempotency key.
    pub key: String,
    /// Whether the other side may have forgotten the key.
    pub key_expired: bool,
    /// Whether it first asks what became of an earlier attempt.
    pub probe: bool,
    /// What would be sent, in words.
    pub described: Option<String>,
    /// What is at stake in it.
    #[schema(value_type = Vec<Object>)]
    pub stakes: Vec<Stake>,
}

impl Acted {
    /// It does this.
    pub fn plan(plan: PlanView) -> Self {
        Self { plan: Some(plan), proposal: None }
    }

    /// It waits for a second person.
    pub fn proposal(proposal: ProposalView) -> Self {
        Self { plan: None, proposal: Some(proposal) }
    }
}

impl From<Plan> for PlanView {
    fn from(plan: Plan) -> Self {
        Self {
            saga: plan.saga.uuid(),
            action: plan.action,
            etag: plan.etag,
            hash: plan.hash,
            entries: plan.entries,
            state: plan.state.to_string(),
            stuck: plan.stuck.as_ref().map(|cause| serde_json::to_value(cause).unwrap_or_default()),
            paused: plan.paused,
            due_at: plan.due_at,
            touched: plan.touched.into_iter().map(TouchedView::from).collect(),
            calls: plan.calls.into_iter().map(CallView::from).collect(),
            money: plan.money,
            frees: plan.frees,
            before: plan.before,
            after: plan.after,
        }
    }
}

impl From<Touched> for TouchedView {
    fn from(touched: Touched) -> Self {
        let Touched { table, inserted, updated, deleted } = touched;
        Self { table, inserted, updated, deleted }
    }
}

impl From<PlannedCall> for CallView {
    fn from(call: PlannedCall) -> Self {
        let PlannedCall { step, undo, position, key, key_expired, probe, described, stakes } = call;
        Self { step, undo, position: position.index(), key, key_expired, probe, described, stakes }
    }
}

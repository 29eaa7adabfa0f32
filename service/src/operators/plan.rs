//! The view of what an action does.

use super::ProposalView;
use chrono::{DateTime, Utc};
use operator::{Plan, PlannedCall, Touched};
use orchestrator::{Stake, journal::Entry};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// The result of a request for an action: one of the two.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Acted {
    /// What the action would do, or did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub plan: Option<PlanView>,
    /// The proposal that waits for a second person; nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub proposal: Option<ProposalView>,
}

/// What an action does.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanView {
    /// The saga that it is done to.
    pub saga: Uuid,
    /// The action's name.
    pub action: &'static str,
    /// The saga's version before.
    pub etag: String,
    /// The hash of the plan, without what the clock decides. Send it as `plan` to have exactly this done.
    pub hash: String,
    /// Entries that are written.
    #[schema(value_type = Vec<Object>)]
    pub entries: Vec<Entry>,
    /// The saga's state afterwards.
    pub state: String,
    /// Why the saga needs a person even afterwards.
    #[schema(value_type = Option<Object>)]
    pub stuck: Option<Value>,
    /// Whether it is paused afterwards.
    pub paused: bool,
    /// When lanes look at it next.
    pub due_at: Option<DateTime<Utc>>,
    /// Rows that change, by table.
    pub touched: Vec<TouchedView>,
    /// Calls that are made when lanes go on; while the saga is unwinding, all calls that are owed.
    pub calls: Vec<CallView>,
    /// Money that moves, through calls or because something is taken as settled without a call.
    #[schema(value_type = Vec<Object>)]
    pub money: Vec<Stake>,
    /// Seats that are freed, at once or when the calls before them are answered.
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
    /// The table, with its schema.
    pub table: String,
    /// How many rows are added.
    pub inserted: i64,
    /// How many rows are changed.
    pub updated: i64,
    /// How many rows are removed.
    pub deleted: i64,
}

/// A call that would be made.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PlannedCall)]
pub struct CallView {
    /// The step's name.
    pub step: String,
    /// Whether it is a call of the compensation.
    pub undo: bool,
    /// The position where the step began.
    pub position: i32,
    /// The idempotency key that is sent.
    pub key: String,
    /// Whether the other side may have forgotten the key.
    pub key_expired: bool,
    /// Whether it first probes the outcome of an earlier attempt.
    pub probe: bool,
    /// The content that would be sent, in words.
    pub described: Option<String>,
    /// What is at stake in it.
    #[schema(value_type = Vec<Object>)]
    pub stakes: Vec<Stake>,
}

impl Acted {
    /// The action does this.
    pub fn plan(plan: PlanView) -> Self {
        Self { plan: Some(plan), proposal: None }
    }

    /// The action waits for a second person.
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

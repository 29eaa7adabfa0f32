//! An order to the planner: an action, and the person behind it.

use crate::{
    by::{By, Expected},
    limits::Limits,
    plan::Plan,
    record::{BatchId, ProposalId},
};
use orchestrator::tools::Action;
use serde_json::{Value, json};

/// An action on one saga.
pub(super) struct Order {
    pub action: Action,
    pub by: By,
    pub purpose: Purpose,
}

/// What happens with the plan.
pub(super) enum Purpose {
    /// It is only shown.
    Preview,
    /// It is done, if one person may do it alone.
    Execute(Expected),
    /// It is done: a second person agrees.
    Consented { expected: Expected, proposal: ProposalId, second: By },
    /// It is done as one of many, whatever state the saga has by then.
    Batch { batch: BatchId, consented_by: Option<String> },
}

impl Order {
    /// What the operator has seen.
    pub fn expected(&self) -> Option<&Expected> {
        match &self.purpose {
            Purpose::Execute(expected) | Purpose::Consented { expected, .. } => Some(expected),
            Purpose::Preview | Purpose::Batch { .. } => None,
        }
    }

    /// Whether it is only shown.
    pub fn is_preview(&self) -> bool {
        matches!(self.purpose, Purpose::Preview)
    }

    /// Whether anybody sees the plan. Its expensive parts are made only then.
    pub fn is_shown(&self) -> bool {
        !matches!(self.purpose, Purpose::Batch { .. })
    }

    /// The second person, who agreed.
    pub fn consented_by(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Consented { second, .. } => Some(&second.actor),
            Purpose::Batch { consented_by, .. } => consented_by.as_deref(),
            Purpose::Preview | Purpose::Execute(_) => None,
        }
    }

    /// Whether a second person is missing.
    pub fn lacks_consent(&self, plan: &Plan, limits: Limits) -> bool {
        !self.is_preview() && self.consented_by().is_none() && limits.exceeded_by(&plan.money)
    }

    /// The detail in its row of the audit. A batch looks for `batch` before it acts.
    pub fn detail(&self, etag: &str, state: orchestrator::State) -> Value {
        let mut detail = json!({ "action": self.action, "etag": etag, "state": state });
        match &self.purpose {
            Purpose::Preview | Purpose::Execute(_) => {}
            Purpose::Consented { proposal, second, .. } => {
                detail["proposal"] = json!(proposal);
                detail["consented_by"] = json!(second.actor);
                detail["consented_why"] = json!(second.reason);
            }
            Purpose::Batch { batch, consented_by } => {
                detail["batch"] = json!(batch);
                if let Some(second) = consented_by {
                    detail["consented_by"] = json!(second);
                }
            }
        }
        detail
    }
}

//! A second person: what moves more money than one may move alone is proposed, and another agrees to it or declines.
//!
//! The limit is held by the planner itself ([`Operator::execute`]), so nothing gets around it. A proposal keeps what
//! was seen, version and hash of the plan; the one who agrees gets exactly that done, or is told that it would be
//! something else by now.

mod limits;

pub use limits::Limits;

use super::{
    By, Expected, Operator, OperatorError, Plan,
    order::{Order, Purpose},
};
use crate::{
    id::SagaId,
    record::{Action, Stake},
    store::{audit, proposals, sagas},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sqlx::PgConnection;
use std::fmt;

crate::bucketed_id! {
    /// An action that waits for a second person; in its saga's bucket.
    ProposalId
}

/// How long a proposal can be agreed to: whoever is on call tomorrow looks at it anew.
pub(super) const CONSENT_WITHIN: TimeDelta = TimeDelta::hours(24);
/// Proposals on one page.
const PAGE_MAX: i64 = 200;

/// What became of a request.
#[derive(Clone, Debug)]
pub enum Requested {
    /// It is done.
    Done(Plan),
    /// It waits for a second person.
    Proposed(Proposal),
}

/// An action that one person wants and another must agree to.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// Which proposal.
    pub id: ProposalId,
    /// What it is done to.
    pub saga: SagaId,
    /// What is done.
    pub action: Action,
    /// Who wants it.
    pub actor: String,
    /// And why.
    pub reason: String,
    /// The saga's version that was seen.
    pub etag: String,
    /// The hash of the plan that was seen.
    pub plan_hash: String,
    /// What the plan moves.
    pub money: Vec<Stake>,
    /// Whether it can be agreed to.
    pub state: ProposalState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Until when it can be agreed to.
    pub expires_at: DateTime<Utc>,
    /// Who agreed or declined.
    pub decided_by: Option<String>,
    /// And why.
    pub decided_why: Option<String>,
    /// When it was closed.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Where a proposal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalState {
    /// It waits for a second person.
    Open,
    /// It is open, and its saga has changed: nobody can agree to it as things are.
    Outdated,
    /// Somebody agreed, and it is done.
    Consented,
    /// Somebody said no.
    Declined,
    /// Nobody decided in time.
    Expired,
}

impl fmt::Display for ProposalState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Outdated => "outdated",
            Self::Consented => "consented",
            Self::Declined => "declined",
            Self::Expired => "expired",
        })
    }
}

impl Operator {
    /// With these limits, instead of the node's own.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What one person may do alone.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Does it, or proposes it if it moves too much money for one person. Asked twice is one proposal.
    pub async fn request(
        &self,
        saga: SagaId,
        action: Action,
        by: By,
        expected: Expected,
    ) -> Result<Requested, OperatorError> {
        match self.execute(saga, action.clone(), by.clone(), expected).await {
            Ok(plan) => Ok(Requested::Done(plan)),
            Err(OperatorError::NeedsConsent(plan)) => {
                Ok(Requested::Proposed(self.propose(&plan, &action, &by).await?))
            }
            Err(error) => Err(error),
        }
    }

    /// Proposals, newest first, after this one; all, or those that can still be decided.
    pub async fn proposals(
        &self,
        open_only: bool,
        after: Option<ProposalId>,
        limit: i64,
    ) -> Result<Vec<Proposal>, OperatorError> {
        let mut connection = self.client.pool.acquire().await?;
        Ok(proposals::list(&mut connection, open_only, after, limit.clamp(1, PAGE_MAX)).await?)
    }

    /// One proposal.
    pub async fn proposal(&self, id: ProposalId) -> Result<Proposal, OperatorError> {
        let mut connection = self.client.pool.acquire().await?;
        proposals::look(&mut connection, id).await?.ok_or(OperatorError::NoProposal(id))
    }

    /// Agrees, and does it: what was proposed, in both names, if saga and plan are still what was seen.
    pub async fn consent(&self, id: ProposalId, by: By) -> Result<Plan, OperatorError> {
        let proposal = self.proposal(id).await?;
        if same_person(&proposal.actor, &by.actor) {
            return Err(OperatorError::SamePerson(proposal.actor));
        }
        let saga = proposal.saga;
        let expected = Expected { etag: proposal.etag, plan_hash: Some(proposal.plan_hash) };
        let order = Order {
            action: proposal.action,
            by: By { actor: proposal.actor, reason: proposal.reason },
            purpose: Purpose::Consented { expected, proposal: id, second: by },
        };
        let done = self.on_thread(saga, order).await?;
        self.client.nudge(saga).await;
        Ok(done)
    }

    /// Says no. Whoever asked may also take it back so.
    pub async fn decline(&self, id: ProposalId, by: By) -> Result<Proposal, OperatorError> {
        by.checked()?;
        let proposal = self.proposal(id).await?;
        let mut connection = self.begin().await?;
        let now = sagas::now(&mut connection).await?;
        if !proposals::decide(&mut connection, id, false, (&by.actor, &by.reason), now).await? {
            return Err(closed(&mut connection, id).await);
        }
        let detail =
            serde_json::json!({ "proposal": id, "action": proposal.action, "asked_by": proposal.actor });
        note(&mut connection, proposal.saga, "decline", &by, &detail, now).await?;
        sqlx::raw_sql("commit").execute(&mut connection).await?;
        self.proposal(id).await
    }

    async fn propose(&self, plan: &Plan, action: &Action, by: &By) -> Result<Proposal, OperatorError> {
        let mut connection = self.begin().await?;
        let now = sagas::now(&mut connection).await?;
        let id = ProposalId::new_in(plan.saga.bucket());
        let new = proposals::New {
            id,
            saga: plan.saga,
            action: serde_json::to_string(action)
                .map_err(|error| OperatorError::Failed(error.to_string()))?,
            actor: &by.actor,
            reason: &by.reason,
            etag: &plan.etag,
            plan_hash: &plan.hash,
            money: &plan.money,
            now,
            expires_at: now + CONSENT_WITHIN,
        };
        proposals::expire(&mut connection, plan.saga, now).await?;
        if !proposals::insert(&mut connection, &new).await? {
            let open = proposals::find_open(&mut connection, plan.saga, &plan.hash).await?;
            return match open {
                Some(id) => self.proposal(id).await,
                None => Err(OperatorError::Failed("the same proposal was decided at this moment".into())),
            };
        }
        let detail = serde_json::json!({
            "proposal": id, "action": action, "etag": plan.etag, "plan_hash": plan.hash, "money": plan.money,
        });
        note(&mut connection, plan.saga, "propose", by, &detail, now).await?;
        sqlx::raw_sql("commit").execute(&mut connection).await?;
        self.proposal(id).await
    }
}

/// Takes the proposal, in the transaction of its action and under its saga's lock: of two who agree, one does it.
pub(super) async fn take(
    connection: &mut PgConnection,
    order: &Order,
    now: DateTime<Utc>,
) -> Result<(), OperatorError> {
    let Purpose::Consented { proposal, second, .. } = &order.purpose else { return Ok(()) };
    if proposals::decide(connection, *proposal, true, (&second.actor, &second.reason), now).await? {
        return Ok(());
    }
    Err(closed(connection, *proposal).await)
}

/// Names are what people type: `Ada ` is `ada`.
pub(super) fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

async fn closed(connection: &mut PgConnection, id: ProposalId) -> OperatorError {
    match proposals::look(connection, id).await {
        Ok(Some(proposal)) => OperatorError::Closed { state: proposal.state, by: proposal.decided_by },
        Ok(None) => OperatorError::NoProposal(id),
        Err(error) => OperatorError::Database(error),
    }
}

async fn note(
    connection: &mut PgConnection,
    saga: SagaId,
    action: &'static str,
    by: &By,
    detail: &serde_json::Value,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let record = audit::Record {
        subject: saga.into(),
        actor: by.actor.clone(),
        action,
        reason: by.reason.clone(),
        detail: detail.to_string(),
    };
    audit::add(connection, &[record], now).await
}

//! A second person: an action that moves more money than one person may move alone is proposed, and another person agrees
//! to it or declines it.
//!
//! The planner itself ([`Operator::execute`]) enforces the limit, so nothing gets around it. A proposal keeps the saga's
//! version and the hash of the plan that the first person saw. When the second person agrees, exactly that is done, or they
//! are told that it would be something else now.

use crate::{
    by::{By, Expected},
    desk::Operator,
    error::OperatorError,
    order::{Order, Purpose},
    person::same_person,
    plan::Plan,
    record::{CONSENT_WITHIN, Proposal, ProposalId, Requested},
    store::proposals,
};
use chrono::{DateTime, Utc};
use orchestrator::{
    SagaId,
    tools::{Action, rows},
};
use sqlx::PgConnection;

/// The most proposals on one page.
const PAGE_MAX: i64 = 200;

impl Operator {
    /// Does an action, or proposes it if it moves too much money for one person. Asking twice makes one proposal.
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

    /// Proposals, newest first, after the one with this id: all, or those that can still be decided.
    pub async fn proposals(
        &self,
        open_only: bool,
        after: Option<ProposalId>,
        limit: i64,
    ) -> Result<Vec<Proposal>, OperatorError> {
        let mut connection = self.pool().acquire().await?;
        Ok(proposals::list(&mut connection, open_only, after, limit.clamp(1, PAGE_MAX)).await?)
    }

    /// One proposal.
    pub async fn proposal(&self, id: ProposalId) -> Result<Proposal, OperatorError> {
        let mut connection = self.pool().acquire().await?;
        proposals::look(&mut connection, id).await?.ok_or(OperatorError::NoProposal(id))
    }

    /// Agrees to a proposal and does what was proposed, in both names, if saga and plan are still what was seen.
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

    /// Declines a proposal. The person who made it may withdraw it this way.
    pub async fn decline(&self, id: ProposalId, by: By) -> Result<Proposal, OperatorError> {
        by.checked()?;
        let proposal = self.proposal(id).await?;
        let mut connection = self.begin().await?;
        let now = rows::now(&mut connection).await?;
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
        let now = rows::now(&mut connection).await?;
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

/// Accepts the proposal, in the transaction of its action and under its saga's lock: of two who agree, one does it.
pub(crate) async fn accept_proposal(
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
    let record = rows::AuditRecord {
        subject: saga.uuid(),
        actor: by.actor.clone(),
        action,
        reason: by.reason.clone(),
        detail: detail.to_string(),
    };
    rows::add_to_audit(connection, &[record], now).await
}

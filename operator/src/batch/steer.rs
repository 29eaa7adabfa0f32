//! What operators do to a batch: agree to it, pause, resume or cancel it. Each writes a row into the audit.

use crate::{
    by::By,
    desk::Operator,
    error::OperatorError,
    person::same_person,
    record::{Batch, BatchId, BatchItem, BatchState, ItemResult},
    store::{batch_items, batches},
};
use orchestrator::tools::rows;
use serde_json::json;
use sqlx::PgConnection;

/// The most batches, or items, on one page.
const PAGE_MAX: i64 = 1_000;

/// What an operator does to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Steer {
    Consent,
    Pause,
    Resume,
    Cancel,
}

impl Operator {
    /// One batch.
    pub async fn batch(&self, id: BatchId) -> Result<Batch, OperatorError> {
        let mut connection = self.pool().acquire().await?;
        batches::look(&mut connection, id).await?.ok_or(OperatorError::NoBatch(id))
    }

    /// Batches, newest first, after the one with this id.
    pub async fn batches(&self, after: Option<BatchId>, limit: i64) -> Result<Vec<Batch>, OperatorError> {
        let mut connection = self.pool().acquire().await?;
        Ok(batches::list(&mut connection, after, limit.clamp(1, PAGE_MAX)).await?)
    }

    /// A batch's items after this number, in order: all, or those with one result.
    pub async fn batch_items(
        &self,
        id: BatchId,
        result: Option<ItemResult>,
        after: Option<i32>,
        limit: i64,
    ) -> Result<Vec<BatchItem>, OperatorError> {
        let mut connection = self.pool().acquire().await?;
        let (after, limit) = (after.unwrap_or(0), limit.clamp(1, PAGE_MAX));
        Ok(batch_items::list(&mut connection, id, result, after, limit).await?)
    }

    /// Agrees to a batch that moves more money than one person may move alone. Then it begins.
    pub async fn consent_batch(&self, id: BatchId, by: By) -> Result<Batch, OperatorError> {
        let batch = self.batch(id).await?;
        if same_person(&batch.actor, &by.actor) {
            return Err(OperatorError::SamePerson(batch.actor));
        }
        self.steer(id, Steer::Consent, by).await
    }

    /// Pauses a batch. No further saga is begun; what has begun is finished and noted.
    pub async fn pause_batch(&self, id: BatchId, by: By) -> Result<Batch, OperatorError> {
        self.steer(id, Steer::Pause, by).await
    }

    /// Goes on with a batch: after a pause where it was, with a canary if it had stopped by itself.
    pub async fn resume_batch(&self, id: BatchId, by: By) -> Result<Batch, OperatorError> {
        self.steer(id, Steer::Resume, by).await
    }

    /// Ends a batch, or declines it. What was done stays done.
    pub async fn cancel_batch(&self, id: BatchId, by: By) -> Result<Batch, OperatorError> {
        self.steer(id, Steer::Cancel, by).await
    }

    /// Cancels a batch because nobody agreed in time.
    pub(super) async fn cancel_unconsented(&self, id: BatchId) -> Result<Batch, OperatorError> {
        let by = By { actor: "engine".into(), reason: "no second person agreed in time".into() };
        self.steer(id, Steer::Cancel, by).await
    }

    async fn steer(&self, id: BatchId, steer: Steer, by: By) -> Result<Batch, OperatorError> {
        by.checked()?;
        let mut connection = self.begin().await?;
        let now = rows::now(&mut connection).await?;
        let from = batches::lock(&mut connection, id).await?.ok_or(OperatorError::NoBatch(id))?;
        let batch = batches::look(&mut connection, id).await?.ok_or(OperatorError::NoBatch(id))?;
        let late = batch.consent_until.is_some_and(|until| until <= now);
        let in_canary = batches::ramp(&mut connection, id).await? == 0;
        let to = if steer == Steer::Consent && late { None } else { steer.leads_to(from, in_canary) };
        let Some(to) = to else {
            let why = if late && from == BatchState::AwaitingConsent {
                "nobody agreed in time".to_owned()
            } else {
                format!("the batch is {from}")
            };
            let allowed = Steer::ALL.into_iter().filter(|other| other.leads_to(from, true).is_some());
            let allowed =
                allowed.filter(|other| !(late && *other == Steer::Consent)).map(Steer::name).collect();
            return Err(OperatorError::NotAllowed { action: steer.name(), why, allowed });
        };
        let why = (!to.under_way()).then_some(by.reason.as_str());
        let consented_by = (steer == Steer::Consent).then_some(by.actor.as_str());
        let anew = from == BatchState::Stopped;
        batches::steer(&mut connection, id, to, why, consented_by, anew, now).await?;
        let detail = json!({ "from": from, "to": to, "asked_by": batch.actor });
        audit_batch(&mut connection, id, steer.name(), &by, detail).await?;
        sqlx::raw_sql("commit").execute(&mut connection).await?;
        self.batches.notify_one();
        self.batch(id).await
    }
}

impl Steer {
    const ALL: [Self; 4] = [Self::Consent, Self::Pause, Self::Resume, Self::Cancel];

    /// The name in audits.
    fn name(self) -> &'static str {
        match self {
            Self::Consent => "batch_consent",
            Self::Pause => "batch_pause",
            Self::Resume => "batch_resume",
            Self::Cancel => "batch_cancel",
        }
    }

    /// The state that it leads to from a state; `None` if it is not possible there.
    fn leads_to(self, from: BatchState, in_canary: bool) -> Option<BatchState> {
        use BatchState::{AwaitingConsent, Canary, Cancelled, Done, Paused, Ramping, Stopped};
        match (self, from) {
            (Self::Consent, AwaitingConsent) | (Self::Resume, Stopped) => Some(Canary),
            (Self::Pause, Canary | Ramping) => Some(Paused),
            (Self::Resume, Paused) => Some(if in_canary { Canary } else { Ramping }),
            (Self::Cancel, AwaitingConsent | Canary | Ramping | Paused | Stopped) => Some(Cancelled),
            (Self::Consent, Canary | Ramping | Paused | Stopped | Cancelled | Done)
            | (Self::Pause, AwaitingConsent | Paused | Stopped | Cancelled | Done)
            | (Self::Resume, AwaitingConsent | Canary | Ramping | Cancelled | Done)
            | (Self::Cancel, Cancelled | Done) => None,
        }
    }
}

/// Records in the audit that a batch ended by itself, in the same transaction.
pub(super) async fn audit_end(
    connection: &mut PgConnection,
    id: BatchId,
    state: BatchState,
    why: &str,
) -> Result<(), sqlx::Error> {
    let action = if state == BatchState::Done { "batch_done" } else { "batch_stop" };
    let by = By { actor: "engine".into(), reason: why.to_owned() };
    let results = batches::look(connection, id).await?.map(|batch| batch.results);
    audit_batch(connection, id, action, &by, json!({ "to": state, "results": results })).await
}

/// A row about the batch itself, in its bucket's chain.
pub(super) async fn audit_batch(
    connection: &mut PgConnection,
    id: BatchId,
    action: &'static str,
    by: &By,
    detail: serde_json::Value,
) -> Result<(), sqlx::Error> {
    let now = rows::now(connection).await?;
    let record = rows::AuditRecord {
        subject: id.uuid(),
        actor: by.actor.clone(),
        action,
        reason: by.reason.clone(),
        detail: detail.to_string(),
    };
    rows::add_to_audit(connection, &[record], now).await
}

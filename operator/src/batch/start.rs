//! Previews and makes batches. The filter is resolved to a list once, so that the batch can't grow after people have agreed
//! to it.

use crate::{
    batch::{
        new::{BatchPreview, ITEMS_MAX, NewBatch},
        steer,
    },
    desk::Operator,
    error::OperatorError,
    filter::Filter,
    record::{Batch, BatchId, BatchState, CONSENT_WITHIN},
    store::{batch_items, batches},
};
use orchestrator::{
    SagaId, Stake,
    tools::{Action, ActionKind, rows},
};
use serde_json::json;

/// Sagas that a preview shows.
const SAMPLE: i64 = 10;
/// Sagas that one statement finds, or stores.
const PAGE: i64 = 500;
/// The largest canary: with more sagas it would not be one.
const CANARY_MAX: u32 = 1_000;

impl Operator {
    /// The preview of a batch. Nothing of it is stored; when the batch is made, other sagas may match.
    pub async fn preview_batch(&self, new: &NewBatch) -> Result<BatchPreview, OperatorError> {
        checked(new)?;
        let Resolved { sagas, stakes, capped } = self.resolve(&new.filter).await?;
        let sample = self.list(&new.filter, None, SAMPLE).await?;
        let second_person = self.batch_lacks_consent(&new.action, &stakes);
        Ok(BatchPreview { count: sagas.len() as i64, capped, sample, stakes, second_person })
    }

    /// Makes a batch. Nodes with lanes begin at once, or when a second person has agreed. The same id is the same batch.
    pub async fn start_batch(&self, id: BatchId, new: NewBatch) -> Result<Batch, OperatorError> {
        checked(&new)?;
        let Resolved { sagas: listed, stakes, capped } = self.resolve(&new.filter).await?;
        let mut connection = self.begin().await?;
        let now = rows::now(&mut connection).await?;
        let awaits = self.batch_lacks_consent(&new.action, &stakes);
        let json = |error: serde_json::Error| OperatorError::Failed(error.to_string());
        let row = batches::New {
            id,
            state: if awaits { BatchState::AwaitingConsent } else { BatchState::Canary },
            filter: serde_json::to_string(&new.filter).map_err(json)?,
            action: serde_json::to_string(&new.action).map_err(json)?,
            actor: &new.by.actor,
            reason: &new.by.reason,
            consent_until: awaits.then(|| now + CONSENT_WITHIN),
            stakes: &stakes,
            canary: new.canary as i32,
            stop_at_error_rate: new.stop_at_error_rate,
            items: listed.len() as i32,
            capped,
            now,
        };
        if !batches::insert(&mut connection, &row).await? {
            return self.batch(id).await;
        }
        for (page, sagas) in listed.chunks(PAGE as usize).enumerate() {
            batch_items::add(&mut connection, id, page as i32 * PAGE as i32, sagas).await?;
        }
        let detail = json!({
            "filter": new.filter, "action": new.action, "items": listed.len(), "capped": capped, "stakes": stakes,
            "canary": new.canary, "stop_at_error_rate": new.stop_at_error_rate,
        });
        steer::audit_batch(&mut connection, id, "batch_start", &new.by, detail).await?;
        sqlx::raw_sql("commit").execute(&mut connection).await?;
        self.batches.notify_one();
        self.batch(id).await
    }

    /// All sagas that match, read page by page, newest first, and what is at stake in them.
    async fn resolve(&self, filter: &Filter) -> Result<Resolved, OperatorError> {
        let mut resolved = Resolved { sagas: Vec::new(), stakes: Vec::new(), capped: false };
        loop {
            let page = self.list(filter, resolved.sagas.last().copied(), PAGE).await?;
            let full = page.len() as i64 == PAGE;
            for listed in page {
                if resolved.sagas.len() as i64 == ITEMS_MAX {
                    resolved.capped = true;
                    resolved.stakes = Stake::sum(resolved.stakes);
                    return Ok(resolved);
                }
                resolved.sagas.push(listed.id);
                resolved.stakes.extend(listed.stakes);
            }
            resolved.stakes = Stake::sum(std::mem::take(&mut resolved.stakes));
            if !full {
                return Ok(resolved);
            }
        }
    }

    /// The most money that a batch can move: what is at stake in its sagas. Some actions move nothing.
    fn batch_lacks_consent(&self, action: &Action, stakes: &[Stake]) -> bool {
        moves_money(action) && self.limits.exceeded_by(stakes)
    }
}

/// The sagas that a filter found.
struct Resolved {
    sagas: Vec<SagaId>,
    stakes: Vec<Stake>,
    /// Whether more sagas match.
    capped: bool,
}

/// Whether lanes may make calls because of this action that they would not make otherwise.
fn moves_money(action: &Action) -> bool {
    !matches!(action, Action::Pause | Action::Extend { .. })
}

fn checked(new: &NewBatch) -> Result<(), OperatorError> {
    new.by.checked()?;
    let refused = |why: &str| {
        Err(OperatorError::NotAllowed { action: new.action.name(), why: why.to_owned(), allowed: for_many() })
    };
    match &new.action {
        Action::RetryNow
        | Action::Pause
        | Action::Resume
        | Action::Cancel
        | Action::WriteOff
        | Action::Skip
        | Action::Probe
        | Action::ReleaseLease
        | Action::SetOutput { .. }
        | Action::Extend { .. }
        | Action::Compensate { down_to: None } => {}
        Action::Compensate { down_to: Some(_) } | Action::Rewind { .. } => {
            return refused("a position is valid in one saga only");
        }
        Action::MarkResolved { .. } => return refused("each saga has a result of its own"),
    }
    if !(1..=CANARY_MAX).contains(&new.canary) {
        return refused(&format!("a canary must have 1 to {CANARY_MAX} sagas"));
    }
    if !(0.0..=1.0).contains(&new.stop_at_error_rate) {
        return refused("an error rate must be between 0 and 1");
    }
    Ok(())
}

/// The names of the actions that can be done to many sagas.
fn for_many() -> Vec<&'static str> {
    ActionKind::ALL.into_iter().filter(|kind| kind.is_for_many()).map(ActionKind::name).collect()
}

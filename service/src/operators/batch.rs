//! The views of batches.

use super::{ListedView, proposal::wish};
use chrono::{DateTime, Utc};
use operator::{Batch, BatchItem, BatchPreview, Results};
use orchestrator::Stake;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// One action on many sagas.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub struct BatchView {
    /// The batch's id.
    pub id: Uuid,
    /// `awaiting_consent`, `canary`, `ramping`, `paused`, `stopped`, `cancelled` or `done`.
    pub state: String,
    /// Why it stopped, was paused or cancelled.
    pub why: Option<String>,
    /// The filter that chose the sagas when it was made.
    #[schema(value_type = Object)]
    pub filter: Value,
    /// The name of the action that is done to each.
    #[schema(example = "retry_now")]
    pub action: &'static str,
    /// The action with its parameters, as journals will record it.
    pub wish: Value,
    /// Who asked for it.
    pub actor: String,
    /// Why it was asked for.
    pub reason: String,
    /// Who agreed, if a second person was needed.
    pub consented_by: Option<String>,
    /// The time until which somebody can agree.
    pub consent_until: Option<DateTime<Utc>>,
    /// What was at stake when it was made.
    #[schema(value_type = Vec<Object>)]
    pub stakes: Vec<Stake>,
    /// How many sagas go first.
    pub canary: i32,
    /// The batch stops if a larger share of a round ends badly, from 0 to 1.
    pub stop_at_error_rate: f64,
    /// How many sagas it has.
    pub items: i32,
    /// Whether more sagas matched than one batch takes.
    pub capped: bool,
    /// The number of sagas with each result.
    pub results: ResultsView,
    /// The number of the present round, from 1.
    pub round: i32,
    /// The node that worked on it last.
    pub node: Option<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// The number of a batch's sagas with each result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BatchResults)]
pub struct ResultsView {
    /// Nothing was done to them yet.
    pub waiting: i32,
    /// The action was done, and its result is not known yet.
    pub acted: i32,
    /// They went on afterwards.
    pub mended: i32,
    /// The action was done, and they need a person again.
    pub stuck_again: i32,
    /// Their state did not allow the action.
    pub refused: i32,
    /// The action failed.
    pub failed: i32,
}

/// One saga of a batch.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BatchItem)]
pub struct ItemView {
    /// Its number in the batch, from 1.
    pub number: i32,
    /// The saga's id.
    pub saga: Uuid,
    /// `waiting`, `acted`, `mended`, `stuck_again`, `refused` or `failed`.
    pub result: String,
    /// Why it has this result, if there is more to say.
    pub why: Option<String>,
    /// When the action was done.
    pub acted_at: Option<DateTime<Utc>>,
    /// When its result was final.
    pub settled_at: Option<DateTime<Utc>>,
}

/// A preview of a batch.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BatchPreview)]
pub struct BatchPreviewView {
    /// How many sagas match.
    pub count: i64,
    /// Whether more match than one batch takes.
    pub capped: bool,
    /// Some of the sagas that match.
    pub sample: Vec<ListedView>,
    /// What is at stake in all sagas that are counted.
    #[schema(value_type = Vec<Object>)]
    pub stakes: Vec<Stake>,
    /// Whether a second person must agree.
    pub second_person: bool,
}

impl From<Batch> for BatchView {
    fn from(batch: Batch) -> Self {
        Self {
            id: batch.id.uuid(),
            state: batch.state.to_string(),
            why: batch.why,
            filter: serde_json::to_value(&batch.filter).unwrap_or_default(),
            action: batch.action.name(),
            wish: wish(&batch.action),
            actor: batch.actor,
            reason: batch.reason,
            consented_by: batch.consented_by,
            consent_until: batch.consent_until,
            stakes: batch.stakes,
            canary: batch.canary,
            stop_at_error_rate: batch.stop_at_error_rate,
            items: batch.items,
            capped: batch.capped,
            results: batch.results.into(),
            round: batch.round,
            node: batch.node,
            created_at: batch.created_at,
            updated_at: batch.updated_at,
        }
    }
}

impl From<Results> for ResultsView {
    fn from(results: Results) -> Self {
        let Results { waiting, acted, mended, stuck_again, refused, failed } = results;
        Self { waiting, acted, mended, stuck_again, refused, failed }
    }
}

impl From<BatchItem> for ItemView {
    fn from(item: BatchItem) -> Self {
        let BatchItem { number, saga, result, why, acted_at, settled_at } = item;
        Self { number, saga: saga.uuid(), result: result.to_string(), why, acted_at, settled_at }
    }
}

impl From<BatchPreview> for BatchPreviewView {
    fn from(preview: BatchPreview) -> Self {
        let BatchPreview { count, capped, sample, stakes, second_person } = preview;
        Self {
            count,
            capped,
            sample: sample.into_iter().map(ListedView::from).collect(),
            stakes,
            second_person,
        }
    }
}

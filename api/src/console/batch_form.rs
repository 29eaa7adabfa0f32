//! What the form of a batch sends.

use super::queries::Query;
use operator::BatchId;

/// How many sagas go first, unless the form says otherwise.
const CANARY: u32 = 5;
/// The batch stops if more than this percentage of a round ends badly, unless the form says otherwise.
const STOP_AT_PERCENT: u32 = 20;

/// What the form sends besides the filter.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchForm {
    /// The action's word or name.
    pub action: String,
    pub reason: String,
    pub output: String,
    pub until: String,
    /// How many sagas go first.
    pub canary: u32,
    /// The percentage of a round that may end badly, from 0 to 100.
    pub stop_at_percent: u32,
    /// The id of the batch that the button makes, so that pressing twice makes one batch.
    pub batch: Option<BatchId>,
}

impl BatchForm {
    /// The form as it was sent, with the engine's defaults for what is missing.
    pub fn of(query: &Query) -> Self {
        Self {
            action: query.text("action").unwrap_or_else(|| "retry_now".into()),
            reason: query.text("reason").unwrap_or_default(),
            output: query.text("output").unwrap_or_default(),
            until: query.text("until").unwrap_or_default(),
            canary: query.parsed("canary").unwrap_or(CANARY),
            stop_at_percent: query.parsed("stop_at_percent").unwrap_or(STOP_AT_PERCENT).min(100),
            batch: query.parsed("batch"),
        }
    }
}

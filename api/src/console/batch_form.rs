//! What the form of a batch sends.

use super::queries::Query;
use operator::BatchId;

/// How many go first, unless somebody says otherwise.
const CANARY: u32 = 5;
/// It stops if more than this many in a hundred end badly, unless somebody says otherwise.
const STOP_AT_PERCENT: u32 = 20;

/// What the form sends besides the filter.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchForm {
    /// The action's word or name.
    pub action: String,
    pub reason: String,
    pub output: String,
    pub until: String,
    /// How many go first.
    pub canary: u32,
    /// From 0 to 100.
    pub stop_at_percent: u32,
    /// The batch that the button makes: pressed twice it is one batch.
    pub batch: Option<BatchId>,
}

impl BatchForm {
    /// As it was sent; what is not given is as the engine has it.
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

//! A step's refusal, as journals keep it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A step's refusal: the effect was surely not made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("rejected with `{code}`: {detail}")]
pub struct Rejected {
    /// The step that refused, written by the engine; none where the workflow itself did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// For programs; kebab-case, stable.
    pub code: String,
    /// For people.
    pub detail: String,
    /// Whatever the caller needs to act on it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

impl Rejected {
    /// A refusal without data.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { step: None, code: code.into(), detail: detail.into(), data: Value::Null }
    }

    /// The same with data.
    pub fn with(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

//! A step's refusal, as journals store it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A step's refusal: the effect certainly did not happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("rejected with `{code}`: {detail}")]
pub struct Rejected {
    /// The step that refused, set by the engine; `None` if the workflow itself refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// A code for programs, in kebab-case and stable.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// Data that the caller needs to act on it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

impl Rejected {
    /// A refusal without data.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { step: None, code: code.into(), detail: detail.into(), data: Value::Null }
    }

    /// A refusal with data.
    pub fn with(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

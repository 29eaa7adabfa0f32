//! Which sagas: the words that URLs, flags and batches share.

use orchestrator::{SagaId, State, tools::Trouble};
use serde::{Deserialize, Serialize};

/// Which sagas; what is not given does not matter. The same words in URLs (`status=`, `workflow=`, …), flags and batches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Those in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<State>,
    /// Those of this workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Those that are at this step or signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Those of one group: a fingerprint in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Those on this work-list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Those that nobody wrote for so many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_s: Option<i64>,
    /// Some of these, as from a search; none given is any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<SagaId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_written_as_it_is_read_and_says_nothing_that_does_not_matter() {
        assert_eq!(serde_json::to_string(&Filter::default()).unwrap(), "{}");
        let json = r#"{"status":"stuck","trouble":"in_doubt","older_than_s":60}"#;
        let filter: Filter = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&filter).unwrap(), json);
        assert!(serde_json::from_str::<Filter>(r#"{"state":"stuck"}"#).is_err(), "a slip is not `any`");
    }
}

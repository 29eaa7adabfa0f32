//! Filters of sagas, in the words that URLs, flags and batches share.

use orchestrator::{SagaId, State, tools::Trouble};
use serde::{Deserialize, Serialize};

/// A filter of sagas. A field that is not given matches every saga. URLs (`status=`, `workflow=`, …), flags and batches use
/// the same words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Only sagas in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<State>,
    /// Only sagas of this workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Only sagas at this step or signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Only sagas of one group: a fingerprint in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Only sagas on this work-list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// Only sagas to which nothing was written for this many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_s: Option<i64>,
    /// Only sagas with these ids, as from a search. An empty list means any saga.
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

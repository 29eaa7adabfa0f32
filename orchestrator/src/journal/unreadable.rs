//! Why something recorded can't be read here: a newer binary wrote it, or nobody can read it.

use super::history::Impossible;

/// Why a journal can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It contains a word that only a newer binary knows: an entry, an action, a cause. It is left to nodes with that binary.
    #[error("a newer binary wrote it: {0}")]
    Newer(String),
    /// Nobody can read it.
    #[error("{0}")]
    Broken(String),
}

/// The beginning of serde's error for an unknown variant. Only a newer binary can have written one: required fields are
/// never removed, and unknown optional fields are skipped.
const UNKNOWN_WORD: &str = "unknown variant";

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        let words = error.to_string();
        if words.starts_with(UNKNOWN_WORD) { Self::Newer(words) } else { Self::Broken(words) }
    }
}

impl From<Impossible> for Unreadable {
    fn from(impossible: Impossible) -> Self {
        Self::Broken(impossible.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{journal::Entry, record::StuckCause};

    #[track_caller]
    fn check<T: serde::de::DeserializeOwned>(json: &str, newer: bool) {
        let unreadable =
            serde_json::from_str::<T>(json).err().map(Unreadable::from).expect("it can't be read");
        assert_eq!(matches!(unreadable, Unreadable::Newer(_)), newer, "{unreadable}");
    }

    #[test]
    fn a_word_that_is_not_known_is_newer_and_everything_else_is_broken() {
        check::<Vec<Entry>>(r#"[{"forked": {}}]"#, true);
        check::<Vec<Entry>>(r#"[{"turned_back": {"cause": {"storm": {}}}}]"#, true);
        check::<StuckCause>(r#""flooded""#, true);
        check::<Vec<Entry>>(r#"[{"turned_back": {"cause": {"cancelled": {}}}}]"#, false);
        check::<Vec<Entry>>(r#"[{"returned": 1}]"#, false);
        check::<Vec<Entry>>(r#"{}"#, false);
    }
}

//! Why something recorded can't be read here: a newer binary's word, or nothing that anybody can read.

use super::history::Impossible;

/// Why a journal can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// It has a word that only a newer binary knows: an entry, an action, a cause. It is left to those.
    #[error("a newer binary wrote it: {0}")]
    Newer(String),
    /// Nobody can read it.
    #[error("{0}")]
    Broken(String),
}

/// How serde begins when an enum has no such variant: the one thing that data of ours lacks until a newer binary writes
/// it. Required fields never go, and optional ones that are not known are passed over.
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

//! Makes texts of people, programs and other services storable in every column.

use std::borrow::Cow;

/// Replaces U+0000, which Postgres can't store in a text, by the replacement character.
pub(crate) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The same for an owned text.
pub(crate) fn stored(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_column_can_keep_is_changed() {
        assert_eq!(storable("no\0thing"), "no\u{fffd}thing");
        assert!(matches!(storable("nothing"), Cow::Borrowed("nothing")));
        assert_eq!(stored("\0".into()), "\u{fffd}");
    }
}

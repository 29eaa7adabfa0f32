//! What is wrong with an operator's input, in the same words at all doors.

/// A field whose value is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {detail}")]
pub struct Invalid {
    /// The field, by its name in JSON.
    pub field: &'static str,
    /// What the value must be, and what it is: `must be one of stuck, paused, and is "stuk"`.
    pub detail: String,
}

impl Invalid {
    /// A field with a wrong value.
    pub fn new(field: &'static str, detail: impl Into<String>) -> Self {
        Self { field, detail: detail.into() }
    }
}

/// Says that a value must be one of these words, and what it is.
pub(super) fn not_one_of<'a>(words: impl IntoIterator<Item = &'a str>, given: &str) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    not(&format!("one of {}", words.join(", ")), given)
}

/// Says what a value must be, and what it is.
pub(super) fn not(expected: &str, given: &str) -> String {
    format!("must be {expected}, and is {}", quoted(given))
}

/// The beginning of the value, in quotation marks. It is cut, because pages and logs have no room for long texts.
fn quoted(given: &str) -> String {
    /// The most characters of a value that are shown: enough to recognise it.
    const CHARS_MAX: usize = 60;
    match given.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("\"{}…\"", &given[..end]),
        None => format!("\"{given}\""),
    }
}

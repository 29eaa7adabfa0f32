//! What is wrong with something that an operator wrote, in the same words at all doors.

/// A field that says what can't be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{field}` {detail}")]
pub struct Invalid {
    /// The field, by its name in JSON.
    pub field: &'static str,
    /// What it must be, and what was given: `must be one of stuck, paused, and is "stuk"`.
    pub detail: String,
}

impl Invalid {
    /// A field that must be something else.
    pub fn new(field: &'static str, detail: impl Into<String>) -> Self {
        Self { field, detail: detail.into() }
    }
}

/// Says that something must be one of these words and is another.
pub(super) fn not_one_of<'a>(words: impl IntoIterator<Item = &'a str>, given: &str) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    not(&format!("one of {}", words.join(", ")), given)
}

/// Says what something must be, and what it is.
pub(super) fn not(expected: &str, given: &str) -> String {
    format!("must be {expected}, and is {}", quoted(given))
}

/// The beginning of what was given, between quotation marks: a slip is short, and a page or a log is no place for a book.
fn quoted(given: &str) -> String {
    /// Enough to see what was meant.
    const CHARS_MAX: usize = 60;
    match given.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("\"{}…\"", &given[..end]),
        None => format!("\"{given}\""),
    }
}

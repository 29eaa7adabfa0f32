//! The differences between two JSON values, in a line for people.

use serde_json::Value;
use std::fmt::Write;

/// Differences that are named; the others are counted.
const NAMED_MAX: usize = 4;
/// The most characters of a path or a value that are shown. The journal has the rest.
const CHARS_MAX: usize = 80;

/// The paths at which the journal's value and the code's differ, with both values; `None` if they are equal.
pub(crate) fn difference(journal: &Value, code: &Value) -> Option<String> {
    let mut found = Vec::new();
    collect(String::new(), Some(journal), Some(code), &mut found);
    if found.is_empty() {
        return None;
    }
    let mut line = found.iter().take(NAMED_MAX).map(Different::to_line).collect::<Vec<_>>().join("; ");
    if let more @ 1.. = found.len().saturating_sub(NAMED_MAX) {
        write!(line, "; and {more} more").expect("a string takes everything");
    }
    Some(line)
}

struct Different<'a> {
    path: String,
    journal: Option<&'a Value>,
    code: Option<&'a Value>,
}

fn collect<'a>(
    path: String,
    journal: Option<&'a Value>,
    code: Option<&'a Value>,
    found: &mut Vec<Different<'a>>,
) {
    match (journal, code) {
        (journal, code) if journal == code => {}
        (Some(Value::Object(journal)), Some(Value::Object(code))) => {
            let only_in_code = code.keys().filter(|key| !journal.contains_key(*key));
            for key in journal.keys().chain(only_in_code) {
                let dot = if path.is_empty() { "" } else { "." };
                collect(format!("{path}{dot}{key}"), journal.get(key), code.get(key), found);
            }
        }
        (Some(Value::Array(journal)), Some(Value::Array(code))) => {
            for index in 0..journal.len().max(code.len()) {
                collect(format!("{path}[{index}]"), journal.get(index), code.get(index), found);
            }
        }
        (journal, code) => found.push(Different { path, journal, code }),
    }
}

impl Different<'_> {
    fn to_line(&self) -> String {
        let path = if self.path.is_empty() { "the input".into() } else { format!("`{}`", cut(&self.path)) };
        let shown = |value: Option<&Value>| value.map_or("nothing".into(), |value| cut(&value.to_string()));
        format!("{path}: {} in the journal, {} in the code", shown(self.journal), shown(self.code))
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(journal: Value, code: Value, line: Option<&str>) {
        assert_eq!(difference(&journal, &code).as_deref(), line);
    }

    #[test]
    fn a_difference_is_shown_by_its_path_and_both_values() {
        check(json!({"a": 1, "b": [1, {"c": null}]}), json!({"b": [1, {"c": null}], "a": 1}), None);
        check(
            json!({"rows": [{"n": 1}, {"n": 2}]}),
            json!({"rows": [{"n": 1}, {"n": "2"}]}),
            Some("`rows[1].n`: 2 in the journal, \"2\" in the code"),
        );
        check(
            json!({"old": 1, "list": [1]}),
            json!({"new": true, "list": [1, 2]}),
            Some(
                "`list[1]`: nothing in the journal, 2 in the code; `old`: 1 in the journal, nothing in the code; \
                 `new`: nothing in the journal, true in the code",
            ),
        );
        check(json!(1), json!(2), Some("the input: 1 in the journal, 2 in the code"));
    }

    #[test]
    fn a_large_difference_is_a_short_line() {
        let of = |digit: char| {
            Value::from_iter((0..1000).map(|n| (n.to_string().repeat(100), digit.to_string().repeat(9000))))
        };
        let line = difference(&of('1'), &of('2')).expect("they differ");
        assert!(line.ends_with("; and 996 more") && line.chars().count() < 1500, "{line}");
    }
}

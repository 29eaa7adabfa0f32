//! JSON for people: indented and folded; and what is different between two of them.

use maud::{Markup, html};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The whole value, indented.
pub fn indented(json: &str) -> Markup {
    let pretty = serde_json::from_str::<Value>(json).and_then(|value| serde_json::to_string_pretty(&value));
    html! { pre { (pretty.unwrap_or_else(|_| json.to_owned())) } }
}

/// A fold with the whole value. A short value is shown without a fold.
pub fn folded(name: &str, json: &str) -> Markup {
    /// Characters that fit on a line.
    const SHORT_CHARS: usize = 60;
    if json.chars().count() <= SHORT_CHARS {
        return html! { span.said { (name) " " code { (json) } } };
    }
    html! { details { summary { (name) } (indented(json)) } }
}

/// One place at which two values differ.
#[derive(Debug, PartialEq)]
pub struct Difference {
    /// The names and indexes that lead there.
    pub path: String,
    /// The value before; `None` if there was none.
    pub before: Option<String>,
    /// The value after; `None` if there is none.
    pub after: Option<String>,
}

/// All places at which two values differ, in order.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    let empty = Map::new();
    match (before, after) {
        (Some(one), Some(other)) if one == other => {}
        (Some(Value::Object(_)) | None, Some(Value::Object(_))) | (Some(Value::Object(_)), None) => {
            let fields = |value: Option<&Value>| value.and_then(Value::as_object).unwrap_or(&empty).clone();
            let (before, after) = (fields(before), fields(after));
            let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for name in names {
                compare(join(&path, &words(name)), before.get(name), after.get(name), found);
            }
        }
        (Some(Value::Array(_)) | None, Some(Value::Array(_))) | (Some(Value::Array(_)), None) => {
            let items = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
            let (before, after) = (items(before), items(after));
            for index in 0..before.len().max(after.len()) {
                let one = before.get(index).or(after.get(index));
                compare(join(&path, &name_of(one, index)), before.get(index), after.get(index), found);
            }
        }
        (before, after) => {
            found.push(Difference { path, before: before.map(text), after: after.map(text) });
        }
    }
}

/// The name of a row as people know it.
fn name_of(item: Option<&Value>, index: usize) -> String {
    let label = item.and_then(|item| item.get("label").or_else(|| item.get("id"))).and_then(Value::as_str);
    label.map_or_else(|| (index + 1).to_string(), ToOwned::to_owned)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path} › {name}") }
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "–".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_found_where_they_are_and_called_by_their_rows_names() {
        let before =
            json!({"status": "PENDING", "seats": [{"label": "A 1", "status": "RESERVED"}], "same": 1});
        let after = json!({"status": "EXPIRED", "seats": [{"label": "A 1", "status": "AVAILABLE"}], "same": 1, "new": true});
        let found: Vec<_> = differences(&before, &after)
            .into_iter()
            .map(|one| format!("{}: {:?} {:?}", one.path, one.before, one.after))
            .collect();
        assert_eq!(
            found,
            [
                r#"new: None Some("yes")"#,
                r#"seats › A 1 › status: Some("RESERVED") Some("AVAILABLE")"#,
                r#"status: Some("PENDING") Some("EXPIRED")"#,
            ]
        );
        assert!(differences(&after, &after).is_empty());
    }

    #[test]
    fn what_rows_say_is_text_and_never_markup() {
        let json =
            json!({"<b>": "<script>alert(1)</script>", "so that it is long": "enough to be folded away"})
                .to_string();
        let shown = folded("input", &json).into_string();
        assert!(!shown.contains("<script>") && !shown.contains("<b>"), "{shown}");
        assert!(shown.contains("&lt;script&gt;"), "{shown}");
    }
}

//! Reads a JSON object field by field, and reports everything that is wrong with it at once.
//!
//! A derived `Deserialize` stops at the first mistake and describes it in its own words. Callers should see all mistakes,
//! each with its pointer.

use super::super::problem::{FieldError, Problem};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use std::fmt;

/// A type that a request body may hold.
pub trait FromFields: Sized {
    /// Takes the fields. Mistakes are noted in `fields`; then the value is not used.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// The fields of one object that haven't been taken yet, and the mistakes so far.
pub struct Fields {
    base: String,
    members: Vec<(String, Value)>,
    errors: Vec<FieldError>,
}

/// Reads an object into `T`.
///
/// # Errors
/// 422 with every field that is unknown, missing, given twice or wrong.
pub fn read<T: FromFields>(members: Members) -> Result<T, Problem> {
    let mut errors = Vec::new();
    members.0.iter().for_each(|(name, value)| nul(name, value, "", &mut errors));
    match Fields::nested(members.0, "", &mut errors) {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(Problem::validation(errors)),
    }
}

impl Fields {
    /// Reads the object at `base`, whose members these are.
    pub fn nested<T: FromFields>(
        members: Vec<(String, Value)>,
        base: &str,
        errors: &mut Vec<FieldError>,
    ) -> Option<T> {
        let mut fields = Self { base: base.to_owned(), members, errors: Vec::new() };
        let value = T::from_fields(&mut fields);
        for (name, _) in std::mem::take(&mut fields.members) {
            fields.wrong(&name, "there is no such field, or it is given twice");
        }
        let good = fields.errors.is_empty();
        errors.append(&mut fields.errors);
        value.filter(|_| good)
    }

    /// Takes a required field.
    pub fn required<T: Read>(&mut self, name: &str) -> Option<T> {
        match self.take_member(name) {
            Some(value) => self.convert(name, value),
            None => {
                self.wrong(name, "is missing");
                None
            }
        }
    }

    /// Takes a field that may be absent or null. The outer `None` means that its value was wrong.
    pub fn optional<T: Read>(&mut self, name: &str) -> Option<Option<T>> {
        match self.take_member(name) {
            None | Some(Value::Null) => Some(None),
            Some(value) => self.convert(name, value).map(Some),
        }
    }

    /// Whether a field is there.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(member, _)| member == name)
    }

    /// Notes a mistake in a field.
    pub fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError { pointer: self.pointer(name), detail: detail.into() });
    }

    fn pointer(&self, name: &str) -> String {
        format!("{}{}", self.base, pointer(name))
    }

    fn take_member(&mut self, name: &str) -> Option<Value> {
        let index = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(index).1)
    }

    fn convert<T: Read>(&mut self, name: &str, value: Value) -> Option<T> {
        T::read(value, &self.pointer(name), &mut self.errors)
    }
}

/// A value that can be read from JSON. Mistakes are noted at `pointer`.
pub trait Read: Sized {
    /// `None` after noting a mistake.
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self>;
}

/// A value that is parsed from text, such as an id or a name.
impl<T: std::str::FromStr + Expected> Read for T {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let read = value.as_str().and_then(|text| text.parse().ok());
        if read.is_none() {
            errors.push(FieldError { pointer: pointer.into(), detail: format!("must be {}", T::EXPECTED) });
        }
        read
    }
}

/// What the text must be, for people.
pub trait Expected {
    /// For example `a UUID`.
    const EXPECTED: &'static str;
}

impl<T: Read> Read for Vec<T> {
    fn read(value: Value, pointer: &str, errors: &mut Vec<FieldError>) -> Option<Self> {
        let Value::Array(items) = value else {
            errors.push(FieldError { pointer: pointer.into(), detail: "must be an array".into() });
            return None;
        };
        let read: Vec<Option<T>> = items
            .into_iter()
            .enumerate()
            .map(|(index, item)| T::read(item, &format!("{pointer}/{index}"), errors))
            .collect();
        read.into_iter().collect()
    }
}

/// The members of a JSON object in order, including doubled names.
pub struct Members(pub Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Objects;
        impl<'de> Visitor<'de> for Objects {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Objects)
    }
}

/// Refuses U+0000, which Postgres can't hold in text.
fn nul(name: &str, value: &Value, base: &str, errors: &mut Vec<FieldError>) {
    let place = format!("{base}{}", pointer(name));
    let mut wrong = |detail: &str| errors.push(FieldError { pointer: place.clone(), detail: detail.into() });
    if name.contains('\0') {
        wrong("its name contains U+0000");
    }
    match value {
        Value::String(text) if text.contains('\0') => wrong("contains U+0000"),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| nul(&index.to_string(), item, &place, errors));
        }
        Value::Object(members) => members.iter().for_each(|(name, item)| nul(name, item, &place, errors)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Escapes `~` and `/` (RFC 6901).
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Expected for u8 {
        const EXPECTED: &'static str = "a small number in quotes";
    }

    #[derive(Debug, PartialEq)]
    struct Pair(u8, Option<Vec<u8>>);
    impl FromFields for Pair {
        fn from_fields(fields: &mut Fields) -> Option<Self> {
            let (one, two) = (fields.required("one"), fields.optional("two"));
            Some(Self(one?, two?))
        }
    }

    /// The pointers that reading `json` complains of.
    fn pointers(json: &str) -> Vec<String> {
        match read::<Pair>(serde_json::from_str(json).unwrap()) {
            Ok(_) => Vec::new(),
            Err(problem) => problem.body("", "").errors.into_iter().map(|error| error.pointer).collect(),
        }
    }

    #[test]
    fn every_mistake_is_reported_at_its_pointer() {
        assert_eq!(pointers(r#"{"one": "1", "two": ["2", "3"]}"#), [""; 0]);
        assert_eq!(pointers(r#"{"one": "1", "two": null}"#), [""; 0]);
        assert_eq!(
            pointers(r#"{"two": ["2", 3, "x"], "th/ree": 1}"#),
            ["/one", "/two/1", "/two/2", "/th~1ree"]
        );
        assert_eq!(pointers(r#"{"one": "1", "one": "2"}"#), ["/one"]);
        assert!(pointers(r#"{"one": "1", "deep": {"a": ["\u0000"]}}"#).contains(&"/deep/a/0".to_owned()));
    }
}

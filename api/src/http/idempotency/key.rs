//! The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header).

use super::super::problem::{Problem, ProblemType};
use axum::{extract::FromRequestParts, http::HeaderName, http::request::Parts};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key, in characters.
const KEY_MAX: usize = 255;

/// A caller's key, without the quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(pub String);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            let detail = "send an `Idempotency-Key` header, such as a new UUID";
            return Err(Problem::new(ProblemType::IdempotencyKeyMissing, detail));
        };
        let key = value.to_str().ok().filter(|_| values.next().is_none()).and_then(parse);
        key.map(Self).ok_or_else(|| {
            let detail = "a key is 1 to 255 visible ASCII characters, bare or quoted, sent once";
            Problem::new(ProblemType::IdempotencyKeyInvalid, detail)
        })
    }
}

/// Reads a structured-field string (RFC 9651 § 3.3.3), or a bare key.
fn parse(header: &str) -> Option<String> {
    let header = header.trim();
    let key = match header.strip_prefix('"') {
        None => header.to_owned(),
        Some(quoted) => unquote(quoted.strip_suffix('"')?)?,
    };
    let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    ((1..=KEY_MAX).contains(&key.len()) && visible).then_some(key)
}

fn unquote(quoted: &str) -> Option<String> {
    let mut key = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => key.push(characters.next().filter(|escaped| matches!(escaped, '"' | '\\'))?),
            '"' => return None,
            other => key.push(other),
        }
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_quoted_string_or_a_bare_token() {
        let parsed = |header: &str| parse(header).unwrap_or_else(|| "(refused)".into());
        assert_eq!(parsed("8e03978e-40d5-43e8"), "8e03978e-40d5-43e8");
        assert_eq!(parsed("\"8e03978e-40d5-43e8\""), "8e03978e-40d5-43e8");
        assert_eq!(parsed(r#""a\"b\\c""#), r#"a"b\c"#);
        assert_eq!(parsed(&"k".repeat(255)).len(), 255);
        let long = "k".repeat(256);
        for bad in ["", "\"\"", "\"open", "\"a\"b\"", "a b", "\"a b\"", "\"a\\n\"", "é", &long] {
            assert_eq!(parsed(bad), "(refused)", "{bad}");
        }
    }
}

//! Values as people may see them.

use super::keys::{Allowed, KEYS, Key};
use figment::{Figment, value::Value};
use serde::Serialize;

/// The text shown instead of a secret.
const MASK: &str = "********";

/// One key as `usher config` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfigEntry {
    /// `section.name`.
    pub key: &'static str,
    /// The value. A secret and the password of a URL are masked.
    pub value: String,
    /// The source: `default`, the file's path, or the variable.
    pub source: String,
    /// What the key is for.
    pub about: &'static str,
}

/// Every key, in the table's order.
pub(super) fn all(figment: &Figment) -> Vec<ConfigEntry> {
    let one = |key: &Key| ConfigEntry {
        key: key.name,
        value: figment.find_value(key.name).map_or_else(|_| "(not set)".into(), |found| value(key, &found)),
        source: source(figment, key),
        about: key.about,
    };
    KEYS.iter().map(one).collect()
}

/// Where the key's value came from.
pub(super) fn source(figment: &Figment, key: &Key) -> String {
    figment.find_metadata(key.name).map_or_else(
        || "default".into(),
        |found| found.source.as_ref().map_or_else(|| found.name.to_string(), ToString::to_string),
    )
}

/// A value without its secrets.
pub(super) fn value(key: &Key, value: &Value) -> String {
    if key.secret {
        return match value.as_array() {
            Some(items) => format!("{} ({MASK})", items.len()),
            None => MASK.into(),
        };
    }
    match (value, key.allowed) {
        (Value::String(_, text), Allowed::Url(_)) => without_password(text),
        (Value::String(_, text), _) => format!("`{text}`"),
        (value, _) => serde_json::to_string(value).unwrap_or_else(|_| "unprintable".into()),
    }
}

/// `scheme://user:password@host` with the password masked.
fn without_password(url: &str) -> String {
    let masked = || {
        let (scheme, rest) = url.split_once("://")?;
        // The last `@` before the path ends the credentials; a password may hold one itself.
        let end = rest.find('/').unwrap_or(rest.len());
        let at = rest[..end].rfind('@')?;
        let (user, _) = rest[..at].split_once(':')?;
        Some(format!("{scheme}://{user}:{MASK}{}", &rest[at..]))
    };
    format!("`{}`", masked().unwrap_or_else(|| url.to_owned()))
}

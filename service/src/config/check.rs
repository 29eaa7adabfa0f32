//! Checks values against the table before they become types, so that every refusal can say what is allowed.

use super::{
    entry,
    error::ConfigError,
    keys::{Allowed, KEYS, Key},
};
use figment::{Figment, value::Value};

/// Refuses the first value that isn't allowed.
pub(super) fn check(figment: &Figment) -> Result<(), ConfigError> {
    for key in KEYS {
        let Ok(value) = figment.find_value(key.name) else { continue };
        if !fits(key.allowed, &value) {
            return Err(ConfigError::NotAllowed {
                key: key.name,
                source_name: entry::source(figment, key),
                value: entry::value(key, &value),
                allowed: key.allowed.describe(),
            });
        }
    }
    names_a_user(figment)
}

fn fits(allowed: Allowed, value: &Value) -> bool {
    match allowed {
        Allowed::Number(min, max) => {
            number(value).is_some_and(|number| (u128::from(min)..=u128::from(max)).contains(&number))
        }
        Allowed::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
        Allowed::Url(schemes) => {
            value.as_str().and_then(|text| text.split_once("://")).is_some_and(|(scheme, rest)| {
                schemes.contains(&scheme) && !rest.is_empty() && !rest.contains(char::is_whitespace)
            })
        }
        Allowed::Text(_) => value.as_str().is_some_and(|text| !text.trim().is_empty()),
        Allowed::List(_) => {
            value.as_array().is_some_and(|items| items.iter().all(|item| item.as_str().is_some()))
        }
    }
}

/// TOML's integers are signed, those of the table unsigned.
fn number(value: &Value) -> Option<u128> {
    value.to_u128().or_else(|| value.to_i128()?.try_into().ok())
}

/// Checks that a key alone can't make: without a user in the URL, sqlx logs in as `anonymous`.
fn names_a_user(figment: &Figment) -> Result<(), ConfigError> {
    let key = KEYS.iter().find(|key| key.name == "database.url").expect("it stands in the table");
    let value = figment.find_value(key.name).unwrap_or_else(|_| Value::from(""));
    let named = value.as_str().is_some_and(|text| text.contains('@'));
    if named {
        return Ok(());
    }
    Err(ConfigError::NotAllowed {
        key: key.name,
        source_name: entry::source(figment, key),
        value: entry::value(key, &value),
        allowed: "a URL that names the user, such as `postgres://usher@127.0.0.1:5432/usher`".into(),
    })
}

/// The table's entry with that name, for errors of the types themselves.
pub(super) fn key(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

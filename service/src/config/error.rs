//! What can be wrong with a configuration, and what to do about it.

use super::check;
use figment::error::Kind;
use std::path::PathBuf;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `--config` or `USHER_CONFIG` names a file that doesn't exist.
    #[error("there is no configuration file at `{}`", .0.display())]
    NoFile(PathBuf),
    /// The key may not hold this value. Secrets are masked.
    #[error("`{key}` is {value} (from {source_name}), but must be {allowed}")]
    NotAllowed {
        /// `section.name`.
        key: &'static str,
        /// Where the value comes from: the default, a file or a variable.
        source_name: String,
        /// The value as it may be shown.
        value: String,
        /// What is accepted.
        allowed: String,
    },
    /// No key has this name.
    #[error("`{key}` (from {source_name}) is not a configuration key; {allowed}")]
    Unknown {
        /// The key as it was written.
        key: String,
        /// The file that it stands in.
        source_name: String,
        /// The keys of that section.
        allowed: String,
    },
    /// The file isn't TOML, or a type refused its value.
    #[error("{what} (from {source_name}): {why}")]
    Unreadable {
        /// The key, or the configuration as a whole.
        what: String,
        /// The file or the variable that it stands in.
        source_name: String,
        /// The parser's message, or what is allowed.
        why: String,
    },
}

/// Translates the library's errors.
pub(super) fn from_figment(error: figment::Error) -> ConfigError {
    let source_name = error.metadata.as_ref().map_or_else(
        || "configuration".into(),
        |found| found.source.as_ref().map_or_else(|| found.name.to_string(), ToString::to_string),
    );
    let path = error.path.join(".");
    match error.kind {
        Kind::UnknownField(field, expected) => {
            let place =
                path.strip_suffix(&field).map(|section| section.trim_end_matches('.')).unwrap_or(&path);
            let key = if place.is_empty() { field } else { format!("{place}.{field}") };
            ConfigError::Unknown {
                key,
                source_name,
                allowed: format!("the keys are `{}`", expected.join("`, `")),
            }
        }
        kind => {
            // Lists are checked item by item, so the path may go on behind the key's name.
            let name = path.split('.').take(2).collect::<Vec<_>>().join(".");
            match check::key(&name) {
                Some(key) if key.secret => {
                    let why = match &kind {
                        Kind::Message(words) => format!("{words}; it must be {}", key.allowed.describe()),
                        _ => format!("it must be {}", key.allowed.describe()),
                    };
                    ConfigError::Unreadable { what: format!("`{name}`"), source_name, why }
                }
                Some(key) => ConfigError::Unreadable {
                    what: format!("`{name}`"),
                    source_name,
                    why: format!("{kind}; it must be {}", key.allowed.describe()),
                },
                None => ConfigError::Unreadable {
                    what: if path.is_empty() { "the configuration".into() } else { format!("`{path}`") },
                    source_name,
                    why: kind.to_string(),
                },
            }
        }
    }
}

//! Where values come from: the table's defaults, a file, the environment.

use super::{
    error::{ConfigError, from_figment},
    keys::{Allowed, KEYS, Key},
};
use figment::{
    Error, Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Value},
};
use std::{collections::BTreeMap, path::PathBuf};

/// The file that is read if none is named and it exists.
const FILE: &str = "usher.toml";

/// Variables that begin with `USHER_` and are read elsewhere.
const OTHERS: &[&str] = &[
    "USHER_CONFIG",
    "USHER_DATA_DIR",
    "USHER_SERVICES_DIR",
    "USHER_SCRATCH_DIR",
    "USHER_GATEWAY_API_KEY",
    "USHER_GATEWAY_WEBHOOK_SECRET",
    "USHER_TEST_DATABASE_URL",
    "USHER_TEST_REDIS_URL",
    "USHER_TEST_OUTPUT",
];

/// The sources of one configuration.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file that must exist. `None`: `usher.toml` in the working directory, if there is one.
    pub file: Option<PathBuf>,
    /// Variables by name. Only those that begin with `USHER_` are read.
    pub environment: BTreeMap<String, String>,
}

impl Sources {
    /// This process's environment, and `file` if one was named.
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("USHER_"))
            .collect();
        Self { file, environment }
    }

    /// Variables that begin like ours but set no key.
    pub(super) fn ignored(&self) -> Vec<String> {
        let known: Vec<String> = KEYS.iter().map(Key::variable).collect();
        self.environment
            .keys()
            .filter(|name| {
                name.starts_with("USHER_") && !known.contains(name) && !OTHERS.contains(&name.as_str())
            })
            .cloned()
            .collect()
    }
}

/// Merges the sources. The later one wins.
pub(super) fn figment(sources: &Sources) -> Result<Figment, ConfigError> {
    let mut figment = Figment::from(Defaults);
    let file = match &sources.file {
        Some(file) if !file.is_file() => return Err(ConfigError::NoFile(file.clone())),
        Some(file) => Some(file.clone()),
        None => Some(PathBuf::from(FILE)).filter(|file| file.is_file()),
    };
    if let Some(file) = file {
        figment = figment.merge(Toml::file_exact(file));
    }
    for key in KEYS {
        if let Some(text) = sources.environment.get(&key.variable()) {
            figment = figment.merge(Variable { key: *key, text: text.clone() });
        }
    }
    // A broken file is found here, before single values are checked.
    figment.extract::<Dict>().map_err(from_figment)?;
    Ok(figment)
}

struct Defaults;

impl Provider for Defaults {
    fn metadata(&self) -> Metadata {
        Metadata::named("default")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut sections = Dict::new();
        for key in KEYS {
            if let Some(text) = key.default {
                let (section, name) = key.parts();
                let Value::Dict(_, section) =
                    sections.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()))
                else {
                    continue;
                };
                section.insert(name.to_owned(), value(key, text));
            }
        }
        Ok(Profile::Default.collect(sections))
    }
}

struct Variable {
    key: Key,
    text: String,
}

impl Provider for Variable {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.key.variable())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let (section, name) = self.key.parts();
        let section_values = Dict::from([(name.to_owned(), value(&self.key, &self.text))]);
        Ok(Profile::Default.collect(Dict::from([(section.to_owned(), Value::from(section_values))])))
    }
}

/// A text as the key's type. Text that is not a number stays text, and the check reports it.
fn value(key: &Key, text: &str) -> Value {
    match key.allowed {
        Allowed::Number(..) => text.trim().parse::<u64>().map_or_else(|_| Value::from(text), Value::from),
        Allowed::List(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::from(items.map(Value::from).collect::<Vec<_>>())
        }
        Allowed::OneOf(_) | Allowed::Url(_) | Allowed::Text(_) => Value::from(text),
    }
}

//! Configuration: defaults, then a TOML file, then the environment. The later source wins.
//!
//! All keys stand in one table ([`keys::KEYS`]); `USHER_LANES_BATCH_SCOPE` sets `lanes.batch_scope`. Every value
//! remembers its source, so that `usher config` can show it and an error can name it. Secrets are wrapped
//! and never printed, neither here nor by `Debug`.

mod check;
mod entry;
mod error;
mod keys;
mod sections;
mod source;

pub use entry::ConfigEntry;
pub use error::ConfigError;
pub use keys::{Allowed, KEYS, Key};
pub use sections::{
    BatchScope, Booking, Capture, Config, Database, Gateway, Http, Lanes, Log, LogFormat, Operators, Outbox,
    PrivateAddresses, Redis, RedisKeys, WebhookSecret,
};
pub use source::Sources;

/// A checked configuration, with its values as they may be shown.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The values that the program reads.
    pub config: Config,
    /// The values that people may see: every key, its value with secrets masked, and its source.
    pub entries: Vec<ConfigEntry>,
    /// Variables that begin like ours but name no key: probably typing errors.
    pub ignored: Vec<String>,
}

/// Reads and checks the configuration.
///
/// # Errors
/// A file that can't be read, an unknown key or a value that isn't allowed; each names the key, the source and
/// what is allowed.
pub fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let figment = source::figment(sources)?;
    check::check(&figment)?;
    let config = figment.extract().map_err(error::from_figment)?;
    Ok(Loaded { config, entries: entry::all(&figment), ignored: sources.ignored() })
}

#[cfg(test)]
mod tests;

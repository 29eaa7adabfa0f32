//! The settings of a simulated gateway.

use std::{path::PathBuf, time::Duration};

/// The protocol that a simulated gateway speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Speak {
    /// Stripe's, and its signatures.
    Stripe,
    /// The standard protocol, signed by Standard Webhooks.
    Standard,
}

/// A simulated gateway's settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its protocol.
    pub speak: Speak,
    /// The only secret key that it accepts.
    pub api_key: String,
    /// The URLs that every event is sent to.
    pub webhook_urls: Vec<String>,
    /// The secrets that sign webhooks. Each makes one signature in the header.
    pub webhook_secrets: Vec<String>,
    /// The file of the books; `None` keeps them in memory.
    pub books: Option<PathBuf>,
    /// The share of all requests and events that go wrong at random, from 0 to 1.
    pub chaos: f64,
    /// The seed of the random faults.
    pub seed: u64,
    /// Customers who must act do so after this time; `None` = when someone opens the page.
    pub approve_delay: Option<Duration>,
    /// How long processing payments and pending refunds take.
    pub settle_delay: Duration,
    /// How long an idempotency key is kept.
    pub key_ttl: Duration,
    /// The wait before a webhook is sent again; doubles each time up to [`Config::RETRY_MAX`].
    pub webhook_retry: Duration,
}

impl Config {
    /// The longest wait between two tries of a webhook.
    pub const RETRY_MAX: Duration = Duration::from_secs(60);
    /// How often a webhook is tried: with the waits above for about an hour.
    pub const TRIES_MAX: u32 = 60;
    /// The longest wait for a receiver of webhooks.
    pub const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(5);
}

impl Default for Config {
    fn default() -> Self {
        Self {
            speak: Speak::Stripe,
            api_key: "sk_test_usher".to_owned(),
            webhook_urls: vec![],
            webhook_secrets: vec!["whsec_usher_simulator".to_owned()],
            books: None,
            chaos: 0.0,
            seed: 0,
            approve_delay: None,
            settle_delay: Duration::from_secs(1),
            key_ttl: Duration::from_secs(24 * 3600),
            webhook_retry: Duration::from_millis(250),
        }
    }
}

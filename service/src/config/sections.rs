//! The configuration as the program reads it: typed, checked, secrets wrapped.

use crate::registered::{Workflows, booking_workflows};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};
use std::{net::SocketAddr, num::NonZeroU32, time::Duration};
use steps::gateway::Provider;

/// The whole configuration of one node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The Postgres that holds everything.
    pub database: Database,
    /// The Redis that takes load off Postgres.
    pub redis: Redis,
    /// The API.
    pub http: Http,
    /// The engine's loops on this node.
    pub lanes: Lanes,
    /// What operators may do.
    #[serde(default)]
    pub operators: Operators,
    /// What a reservation may be.
    pub booking: Booking,
    /// The payment gateway.
    pub gateway: Gateway,
    /// Messages to the outside.
    pub outbox: Outbox,
    /// Log lines.
    pub log: Log,
    /// The workflows that this process knows. This is not a setting: in production they are the booking's.
    #[serde(skip, default = "production")]
    pub workflows: Workflows,
}

fn production() -> Workflows {
    booking_workflows
}

/// The Postgres that holds everything.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The URL, with the user, and with the password if there is one.
    pub url: SecretString,
    /// Connections for requests and jobs; each lane has its own connection besides.
    pub connections_max: u32,
}

/// The Redis that takes load off Postgres.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// The URL, with the password if there is one.
    pub url: SecretString,
    /// How keys are made.
    pub keys: RedisKeys,
    /// The prefix of keys and channels.
    #[serde(default)]
    pub prefix: String,
}

/// How keys in Redis are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RedisKeys {
    /// One Redis: easy to read.
    Plain,
    /// A Redis Cluster: an event's keys in one slot.
    Clustered,
}

/// The API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The address that it listens on.
    pub listen: SocketAddr,
    /// Requests handled at once.
    pub requests_max: usize,
    /// Requests a second that one customer may make over a long time.
    pub quota_per_s: u32,
    /// Requests that one customer may make in a burst.
    pub quota_burst: u32,
    /// The address at which people reach this service.
    pub public_url: Option<String>,
    /// The key that signs the console's sessions.
    #[serde(default, deserialize_with = "long_secret")]
    pub session_key: Option<SecretString>,
    /// The address that shows a trace, with `{trace_id}` for its id.
    pub trace_url: Option<String>,
}

/// The engine's loops on this node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lanes {
    /// The number of lanes.
    pub count: usize,
    /// Whether one transaction may hold many buckets.
    pub batch_scope: BatchScope,
    /// Starts and letters waiting for the lanes.
    pub intake_max: usize,
    /// Sagas in one transaction.
    pub batch_max: usize,
    /// Steps of one saga in one transaction.
    pub stretch_steps_max: usize,
    /// How long a node may be silent before other nodes take over its sagas (`lease_ms`).
    #[serde(rename = "lease_ms", deserialize_with = "milliseconds")]
    pub lease: Duration,
    /// How often lanes look for due sagas if every hint is lost (`poll_ms`).
    #[serde(rename = "poll_ms", deserialize_with = "milliseconds")]
    pub poll: Duration,
    /// How long a stuck saga rests before it is tried again, if its cause may pass by itself (`stuck_retry_ms`).
    #[serde(rename = "stuck_retry_ms", deserialize_with = "milliseconds")]
    pub stuck_retry: Duration,
}

/// Whether one transaction of a lane may hold many buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchScope {
    /// Many buckets, for one Postgres.
    Database,
    /// One bucket in a transaction, for Citus.
    Bucket,
}

/// What operators may do.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {
    /// An action that moves more money than this, in minor units, needs a second person. Not set: none does.
    pub second_person_above_minor: Option<i64>,
}

/// What a reservation may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    /// The most seats of one reservation.
    pub seats_max: usize,
    /// Attempts to pay within one hold; with 1 the saga turns back at the first decline.
    pub payment_attempts_max: u32,
}

/// The payment gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its protocol.
    pub kind: Provider,
    /// Its base URL, without a path.
    pub url: String,
    /// Our key to it.
    pub key: Option<SecretString>,
    /// The secrets that sign its webhooks. If there is none, every webhook is refused.
    #[serde(default)]
    pub webhook_secrets: Vec<WebhookSecret>,
    /// When the money is taken.
    pub capture: Capture,
    /// The address to which the gateway sends customers back after 3-D Secure.
    pub return_url: Option<String>,
    /// How many refunds of a payment may follow those that came to nothing.
    pub repayments_max: u32,
    /// The least time between two of them (`repayments_apart_ms`).
    #[serde(rename = "repayments_apart_ms", deserialize_with = "milliseconds")]
    pub repayments_apart: Duration,
    /// How long one request may take, from connecting to the last byte of its answer (`deadline_ms`).
    #[serde(rename = "deadline_ms", deserialize_with = "milliseconds")]
    pub deadline: Duration,
    /// Requests a second that this node sends.
    pub requests_per_s: NonZeroU32,
}

/// One signing secret, valid until its end date: old and new are valid side by side while they are rotated.
#[derive(Clone, Debug)]
pub struct WebhookSecret {
    /// The whole string, `whsec_…`.
    pub secret: SecretString,
    /// The time from which on it is refused. `None`: never.
    pub until: Option<DateTime<Utc>>,
}

/// When the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capture {
    /// It is authorised first and captured after the booking.
    Manual,
    /// It is charged at once.
    Automatic,
}

/// Messages to the outside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// Whether receivers may be in private networks.
    pub private_addresses: PrivateAddresses,
    /// How often a node looks for messages (`poll_ms`).
    #[serde(rename = "poll_ms", deserialize_with = "milliseconds")]
    pub poll: Duration,
    /// How long one attempt may take (`deadline_ms`).
    #[serde(rename = "deadline_ms", deserialize_with = "milliseconds")]
    pub deadline: Duration,
}

/// Whether receivers may be in private networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PrivateAddresses {
    /// They may not: only https to public addresses is allowed.
    Refuse,
    /// They may, also by plain http.
    Allow,
}

/// Log lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The format of the lines.
    pub format: LogFormat,
    /// Which lines are written, in the syntax of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl<'de> Deserialize<'de> for WebhookSecret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (secret, until) = match text.split_once(" until ") {
            None => (text.trim(), None),
            Some((secret, until)) => {
                let until = DateTime::parse_from_rfc3339(until.trim())
                    .map_err(|_| D::Error::custom("the end date after ` until ` is not a time (RFC 3339)"))?;
                (secret.trim(), Some(until.to_utc()))
            }
        };
        if secret.is_empty() {
            return Err(D::Error::custom("a signing secret is empty"));
        }
        Ok(Self { secret: secret.into(), until })
    }
}

/// A secret that is long enough that nobody can guess it.
fn long_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    const CHARACTERS_MIN: usize = 32;
    let text = String::deserialize(from)?;
    if text.chars().count() < CHARACTERS_MIN {
        return Err(D::Error::custom(format!("the secret has fewer than {CHARACTERS_MIN} characters")));
    }
    Ok(Some(text.into()))
}

fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}

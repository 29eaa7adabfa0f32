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
    /// The Redis that sheds load.
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
    /// The workflows that this process knows. No setting: production has the booking's.
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
    /// With user, and password where there is one.
    pub url: SecretString,
    /// Connections for requests and jobs; each lane has its own beside them.
    pub connections_max: u32,
}

/// The Redis that sheds load.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// With password where there is one.
    pub url: SecretString,
    /// How keys are made.
    pub keys: RedisKeys,
    /// What keys and channels begin with.
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
    /// Where it is served.
    pub listen: SocketAddr,
    /// Requests handled at once.
    pub requests_max: usize,
    /// Requests a second that one customer may make for long.
    pub quota_per_s: u32,
    /// Requests that one customer may make at once.
    pub quota_burst: u32,
    /// Where people reach this service.
    pub public_url: Option<String>,
    /// What the console's sessions are signed with.
    #[serde(default, deserialize_with = "long_secret")]
    pub session_key: Option<SecretString>,
    /// Where a trace is shown, with `{trace_id}` for its id.
    pub trace_url: Option<String>,
}

/// The engine's loops on this node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lanes {
    /// How many.
    pub count: usize,
    /// Whether one transaction may hold many buckets.
    pub batch_scope: BatchScope,
    /// Starts and letters waiting for the lanes.
    pub intake_max: usize,
    /// Sagas in one transaction.
    pub batch_max: usize,
    /// Steps of one saga in one transaction.
    pub stretch_steps_max: usize,
    /// How long a node may be silent before others take its sagas over (`lease_ms`).
    #[serde(rename = "lease_ms", deserialize_with = "milliseconds")]
    pub lease: Duration,
    /// How often due sagas are looked for when every hint is lost (`poll_ms`).
    #[serde(rename = "poll_ms", deserialize_with = "milliseconds")]
    pub poll: Duration,
    /// How long a stuck saga that the world may mend rests before it is tried again (`stuck_retry_ms`).
    #[serde(rename = "stuck_retry_ms", deserialize_with = "milliseconds")]
    pub stuck_retry: Duration,
}

/// Whether one transaction of a lane may hold many buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BatchScope {
    /// Any bucket: one Postgres.
    Database,
    /// One bucket a transaction: Citus.
    Bucket,
}

/// What operators may do.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operators {
    /// What moves more money than this, in minor units, needs a second person. Not set: nothing does.
    pub second_person_above_minor: Option<i64>,
}

/// What a reservation may be.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Booking {
    /// Seats of one reservation.
    pub seats_max: usize,
    /// Tries to pay within one hold; 1 turns back at the first decline.
    pub payment_attempts_max: u32,
}

/// The payment gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Which protocol it speaks.
    pub kind: Provider,
    /// Its base URL, without a path.
    pub url: String,
    /// Our key to it.
    pub key: Option<SecretString>,
    /// What it signs its webhooks with. None: every webhook is refused.
    #[serde(default)]
    pub webhook_secrets: Vec<WebhookSecret>,
    /// When the money is taken.
    pub capture: Capture,
    /// Where the gateway sends customers back to after 3-D Secure.
    pub return_url: Option<String>,
    /// For one request, from connecting to the last byte of its answer (`deadline_ms`).
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
    /// From when on it is refused. `None`: never.
    pub until: Option<DateTime<Utc>>,
}

/// When the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capture {
    /// Authorised first, captured after the booking.
    Manual,
    /// Charged at once.
    Automatic,
}

/// Messages to the outside.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    /// Whether receivers may be in private networks.
    pub private_addresses: PrivateAddresses,
    /// How often it is looked for messages (`poll_ms`).
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
    /// https to public addresses only.
    Refuse,
    /// Anywhere, also by plain http.
    Allow,
}

/// Log lines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// How they are written.
    pub format: LogFormat,
    /// Which are written, in the words of `tracing_subscriber::EnvFilter`.
    pub filter: String,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl<'de> Deserialize<'de> for WebhookSecret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (secret, until) = match text.split_once(" until ") {
            None => (text.trim(), None),
            Some((secret, until)) => {
                let until = DateTime::parse_from_rfc3339(until.trim())
                    .map_err(|_| D::Error::custom("the end date after ` until ` is not RFC 3339"))?;
                (secret.trim(), Some(until.to_utc()))
            }
        };
        if secret.is_empty() {
            return Err(D::Error::custom("a signing secret is empty"));
        }
        Ok(Self { secret: secret.into(), until })
    }
}

/// Long enough that nobody finds it by trying.
fn long_secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SecretString>, D::Error> {
    const CHARACTERS_MIN: usize = 32;
    let text = String::deserialize(from)?;
    if text.chars().count() < CHARACTERS_MIN {
        return Err(D::Error::custom(format!("it has fewer than {CHARACTERS_MIN} characters")));
    }
    Ok(Some(text.into()))
}

fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}

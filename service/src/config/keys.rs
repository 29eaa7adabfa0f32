//! Every configuration key in one table: its default, what it may hold, and what it is for.
//!
//! `usher config` prints this table, the environment is read through it, values are checked against it, and a
//! test holds it to the types in [`super::sections`]. A new key is one line here and one field there.

/// What a key may hold.
#[derive(Clone, Copy, Debug)]
pub enum Allowed {
    /// A whole number between the two, inclusive.
    Number(u64, u64),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A URL with one of these schemes.
    Url(&'static [&'static str]),
    /// Text, described for people.
    Text(&'static str),
    /// A list of texts, described for people. In the environment its items are separated by commas.
    List(&'static str),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// `section.name`, as in the file.
    pub name: &'static str,
    /// The default, written as in the environment. `None`: not set.
    pub default: Option<&'static str>,
    /// What it may hold.
    pub allowed: Allowed,
    /// Whether it is a secret. A secret is never shown; in a URL only the password is hidden.
    pub secret: bool,
    /// One sentence for people.
    pub about: &'static str,
}

use Allowed::{List, Number, OneOf, Text, Url};

/// All keys, in the order in which they are printed.
pub const KEYS: &[Key] = &[
    key(
        "database.url",
        "postgres://usher@127.0.0.1:5432/usher",
        Url(&["postgres", "postgresql"]),
        "the Postgres that holds everything; the URL must name the user",
    ),
    key(
        "database.connections_max",
        "20",
        Number(2, 1_000),
        "connections of one node for requests and jobs; each lane has its own connection besides",
    ),
    key(
        "redis.url",
        "redis://127.0.0.1:6379/",
        Url(&["redis", "rediss", "unix"]),
        "the Redis that takes load off Postgres; it decides nothing",
    ),
    key(
        "redis.keys",
        "plain",
        OneOf(&["plain", "clustered"]),
        "how keys are made; `clustered` keeps an event's keys in one slot of a Redis Cluster",
    ),
    unset(
        "redis.prefix",
        Text("the prefix of our keys, such as `usher:`"),
        "the prefix of keys and channels, if one Redis serves several services",
    ),
    key(
        "http.listen",
        "127.0.0.1:8080",
        Text("an address and a port, such as `127.0.0.1:8080`"),
        "where the API is served",
    ),
    key(
        "http.requests_max",
        "1024",
        Number(1, 100_000),
        "requests handled at once; the next one gets 503 before it reaches the database",
    ),
    key(
        "http.quota_per_s",
        "100",
        Number(1, 1_000_000),
        "requests a second that one customer may make over a long time",
    ),
    key("http.quota_burst", "200", Number(1, 1_000_000), "requests that one customer may make in a burst"),
    unset(
        "http.public_url",
        Url(&["https", "http"]),
        "the address at which people reach this service; if it is https, browsers send the console's cookie by https only",
    ),
    secret(
        "http.session_key",
        Text("a secret text of 32 characters or more, the same on all nodes"),
        "the key that signs the console's sessions; without it they end with this process",
    ),
    unset(
        "http.trace_url",
        Url(&["https", "http"]),
        "the address that shows a trace; `{trace_id}` in it stands for the trace's id",
    ),
    key("lanes.count", "2", Number(1, 64), "lanes of this node; two are enough for most machines"),
    key(
        "lanes.batch_scope",
        "database",
        OneOf(&["database", "bucket"]),
        "whether one transaction of a lane may hold many buckets (`bucket` for Citus)",
    ),
    key(
        "lanes.intake_max",
        "1024",
        Number(1, 1_000_000),
        "starts and letters waiting for the lanes; the next start gets 503",
    ),
    key("lanes.batch_max", "256", Number(1, 4_096), "sagas in one transaction of a lane"),
    key("lanes.stretch_steps_max", "32", Number(1, 32), "steps of one saga in one transaction"),
    key(
        "lanes.lease_ms",
        "10000",
        Number(100, 600_000),
        "how long a node may be silent before other nodes take over its sagas",
    ),
    key(
        "lanes.poll_ms",
        "500",
        Number(10, 60_000),
        "how often lanes look for due sagas if every hint is lost",
    ),
    key(
        "lanes.stuck_retry_ms",
        "900000",
        Number(100, 86_400_000),
        "how long a stuck saga rests before it is tried again, if the cause may pass by itself: a debt, a call after the pivot",
    ),
    unset(
        "operators.second_person_above_minor",
        Number(0, 1_000_000_000_000),
        "an operator's action that moves more money than this, in minor units, needs a second person; not set: none does",
    ),
    key("booking.seats_max", "10", Number(1, 10), "seats of one reservation"),
    key("booking.payment_attempts_max", "1", Number(1, 10), "attempts to pay within one hold"),
    key(
        "gateway.kind",
        "stripe",
        OneOf(&["stripe", "standard"]),
        "the gateway's protocol: Stripe's, or the standard one of docs/payment-gateways.md",
    ),
    key(
        "gateway.url",
        "https://api.stripe.com",
        Url(&["http", "https"]),
        "the payment gateway; Stripe or `usher gateway`",
    ),
    secret(
        "gateway.key",
        Text("the gateway's secret API key, such as `sk_live_…`"),
        "our key to the payment gateway",
    ),
    secret(
        "gateway.webhook_secrets",
        List(
            "signing secrets such as `whsec_…`, each optionally followed by ` until ` and its end date (RFC 3339)",
        ),
        "secrets with which the gateway signs its webhooks",
    ),
    key(
        "gateway.capture",
        "manual",
        OneOf(&["manual", "automatic"]),
        "`manual` authorises first and captures after the booking; `automatic` charges at once",
    ),
    unset(
        "gateway.return_url",
        Url(&["https", "http"]),
        "the address to which the gateway sends customers back after 3-D Secure",
    ),
    key(
        "gateway.repayments_max",
        "2",
        Number(0, 10),
        "how often refunds of one payment that came to nothing are sent again; then a person is needed",
    ),
    key(
        "gateway.repayments_apart_ms",
        "86400000",
        Number(0, 2_592_000_000),
        "the least time between two refunds that are sent again; the first is sent at once",
    ),
    key(
        "gateway.deadline_ms",
        "10000",
        Number(100, 20_000),
        "how long one request to the gateway may take, to the last byte of its answer",
    ),
    key(
        "gateway.requests_per_s",
        "100",
        Number(1, 100_000),
        "requests a second that this node sends to the gateway; the account's limit divided by the nodes",
    ),
    key(
        "outbox.private_addresses",
        "refuse",
        OneOf(&["refuse", "allow"]),
        "whether subscriptions may lead into private networks, and use plain http",
    ),
    key("outbox.poll_ms", "500", Number(10, 60_000), "how often a node looks for messages to send"),
    key(
        "outbox.deadline_ms",
        "10000",
        Number(100, 60_000),
        "how long one attempt to deliver a message may take",
    ),
    key("log.format", "text", OneOf(&["text", "json"]), "how log lines are written"),
    key(
        "log.filter",
        "info",
        Text("a filter such as `info` or `info,orchestrator=debug`"),
        "which log lines are written",
    ),
];

impl Key {
    /// The variable that sets this key: `USHER_` and the name in capitals with `_` for the dot.
    pub fn variable(&self) -> String {
        format!("USHER_{}", self.name.to_uppercase().replace('.', "_"))
    }

    /// The part of the name before and after the dot.
    pub fn parts(&self) -> (&'static str, &'static str) {
        self.name.split_once('.').expect("every name in the table has one dot; a test checks it")
    }
}

impl Allowed {
    /// What is accepted, for people.
    pub fn describe(&self) -> String {
        match self {
            Number(min, max) => format!("a whole number from {min} to {max}"),
            OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or "),
            Url(schemes) => format!("a URL that begins with `{}://`", schemes.join("://` or `")),
            Text(description) => (*description).to_owned(),
            List(description) => format!("a list of {description}"),
        }
    }
}

const fn key(name: &'static str, default: &'static str, allowed: Allowed, about: &'static str) -> Key {
    Key { name, default: Some(default), allowed, secret: false, about }
}

const fn unset(name: &'static str, allowed: Allowed, about: &'static str) -> Key {
    Key { name, default: None, allowed, secret: false, about }
}

const fn secret(name: &'static str, allowed: Allowed, about: &'static str) -> Key {
    Key { name, default: None, allowed, secret: true, about }
}

//! One request to a gateway over HTTP: bounded in time, size and number, through the circuit breaker, never
//! redirected. All adapters share this; the [`Dialect`] has what is special about a provider's protocol.

mod config;
mod pace;

pub use config::{BadHttpConfig, HttpConfig};

use crate::{
    breaker::{Breaker, Pass},
    gateway::{Doubt, GatewayError, KEY_BYTES_MAX, Unsent},
};
use chrono::{DateTime, Utc};
use config::is_loopback;
use pace::Pace;
use reqwest::{
    Client, Method, Response, Url,
    header::{HeaderMap, RETRY_AFTER},
};
use secrecy::{ExposeSecret, SecretString};
use std::time::{Duration, Instant};

/// The largest answer about one object; Stripe's intents have two to eight KiB.
pub(super) const OBJECT_BYTES_MAX: usize = 64 * 1024;
/// The largest page: [`crate::gateway::PAGE_ITEMS_MAX`] events of at most 20 KiB.
pub(super) const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// The longest wait that a `Retry-After` may impose; beyond it the caller's own policy decides.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);
/// The shortest wait: even if a gateway says `0`, there is a pause.
const RETRY_AFTER_MIN: Duration = Duration::from_millis(100);
/// The wait if the gateway names none.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);

/// The most keys for one thing: each but the last has a stored answer that is useless by now.
pub(super) const KEYS_MAX: u32 = 5;

/// How a provider uses HTTP.
#[derive(Debug)]
pub(super) struct Dialect {
    /// The first segment of every path.
    pub root: &'static str,
    /// The header that carries our key.
    pub key_header: &'static str,
    /// The header that says `true` where an answer is the stored one of an earlier request.
    pub replayed_header: &'static str,
    /// Sent with every request.
    pub header: (&'static str, &'static str),
}

#[derive(Debug)]
pub(super) struct Http {
    dialect: &'static Dialect,
    client: Client,
    base: Url,
    secret_key: SecretString,
    deadline: Duration,
    breaker: Breaker,
    pace: Pace,
}

/// A request: path segments below the dialect's root.
pub(super) struct Request<'a> {
    pub method: Method,
    pub path: &'a [&'a str],
    pub query: Parameters,
    pub body: Body,
    pub key: Option<String>,
    pub bytes_max: usize,
}

pub(super) type Parameters = Vec<(&'static str, String)>;

/// What a request carries.
#[derive(Clone)]
pub(super) enum Body {
    None,
    Form(Parameters),
    Json(serde_json::Value),
}

/// A complete answer of the gateway, except for 3xx and 5xx.
pub(super) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub retry_after: Duration,
    pub replayed: bool,
    pub body: Vec<u8>,
}

impl Reply {
    /// A header's text; `None` if it is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Http {
    pub fn new(dialect: &'static Dialect, config: HttpConfig) -> Result<Self, BadHttpConfig> {
        let base = config.base()?;
        let mut client = Client::builder()
            .connect_timeout(config.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        Ok(Self {
            dialect,
            client: client.build().map_err(BadHttpConfig::Client)?,
            base,
            secret_key: config.secret_key,
            deadline: config.deadline,
            breaker: Breaker::new(config.breaker),
            pace: Pace::new(config.requests_per_s),
        })
    }

    /// How long the breaker sends nothing.
    pub fn held_back(&self) -> Option<Duration> {
        self.breaker.held_back()
    }

    pub async fn get(
        &self,
        path: &[&str],
        query: Parameters,
        bytes_max: usize,
    ) -> Result<Reply, GatewayError> {
        self.send(Request { method: Method::GET, path, query, body: Body::None, key: None, bytes_max }).await
    }

    /// Posts under `{key}:{operation}`.
    pub async fn post(
        &self,
        path: &[&str],
        body: Body,
        key: &str,
        operation: &str,
    ) -> Result<Reply, GatewayError> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(GatewayError::Invalid {
                status: 400,
                code: "key".to_owned(),
                param: "idempotency_key".to_owned(),
                message: format!("a base key is 1 to {KEY_BYTES_MAX} visible ASCII characters"),
                intent: None,
            });
        }
        let key = Some(format!("{key}:{operation}"));
        let (method, query) = (Method::POST, vec![]);
        self.send(Request { method, path, query, body, key, bytes_max: OBJECT_BYTES_MAX }).await
    }

    /// Posts under one key after the other until the answer is not an old one that `is_void`, which means that it was stored
    /// for a day and is useless by now. The keys are the same each time, so an effect whose answer was lost is found again.
    pub async fn post_anew(
        &self,
        path: &[&str],
        body: Body,
        key: &str,
        operation: &str,
        is_void: fn(&Result<Reply, GatewayError>) -> bool,
    ) -> Result<Reply, GatewayError> {
        let mut answer = self.post(path, body.clone(), key, operation).await;
        for number in 2..=KEYS_MAX {
            if !is_void(&answer) {
                break;
            }
            answer = self.post(path, body.clone(), key, &format!("{operation}-{number}")).await;
        }
        answer
    }

    async fn send(&self, request: Request<'_>) -> Result<Reply, GatewayError> {
        // This comes before the breaker: a request that waits for its turn must not be the one trial that others wait for.
        self.pace.turn().await?;
        let refused = |retry_after| GatewayError::Refused(Unsent::BreakerOpen { retry_after });
        let pass = self.breaker.admit().map_err(refused)?;
        let (method, path, began) = (request.method.clone(), request.path.join("/"), Instant::now());
        let exchanged = tokio::time::timeout(self.deadline, self.exchange(request, pass)).await;
        let reply = exchanged.unwrap_or(Err(GatewayError::Unclear(Doubt::Deadline(self.deadline))));
        let status = reply.as_ref().ok().map(|reply| reply.status);
        let elapsed_ms = began.elapsed().as_millis() as u64;
        tracing::debug!(%method, path, status, elapsed_ms, "asked the gateway");
        reply
    }

    async fn exchange(&self, request: Request<'_>, pass: Pass<'_>) -> Result<Reply, GatewayError> {
        let Dialect { root, key_header, replayed_header, header: (name, value) } = *self.dialect;
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().expect("http and https URLs have a path");
        segments.pop_if_empty().push(root).extend(request.path);
        drop(segments);
        let mut builder = self
            .client
            .request(request.method, url)
            .bearer_auth(self.secret_key.expose_secret())
            .header(name, value);
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        builder = match &request.body {
            Body::None => builder,
            Body::Form(parameters) => builder.form(parameters),
            Body::Json(value) => builder.json(value),
        };
        if let Some(key) = request.key {
            builder = builder.header(key_header, key);
        }
        let response = builder.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let replayed = headers.get(replayed_header).is_some_and(|value| value == "true");
        let retry_after = retry_after(&headers, Utc::now());
        match status {
            // A stored 5xx shows that the gateway works now.
            500..=599 if replayed => pass.answered(),
            300..=399 | 500..=599 => {}
            _ => {
                let body = read_body(response, request.bytes_max).await?;
                pass.answered();
                return Ok(Reply { status, headers, retry_after, replayed, body });
            }
        }
        Err(GatewayError::Unclear(match status {
            300..=399 => Doubt::Redirect(status),
            _ => Doubt::Server { status, replayed },
        }))
    }
}

/// Only after a failed connect we are certain that nothing was sent.
fn failure(error: reqwest::Error) -> GatewayError {
    let error = error.without_url();
    if error.is_connect() {
        GatewayError::Refused(Unsent::Connect(error))
    } else {
        GatewayError::Unclear(Doubt::Broken(error))
    }
}

async fn read_body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, GatewayError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if body.len() + chunk.len() > bytes_max {
            return Err(GatewayError::Unclear(Doubt::TooLarge(bytes_max)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Seconds or an HTTP date (RFC 9110 §10.2.3), bounded.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Duration {
    let Some(text) = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()) else {
        return RETRY_AFTER_DEFAULT;
    };
    let wait = match text.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => DateTime::parse_from_rfc2822(text)
            .map(|at| (at.to_utc() - now).to_std().unwrap_or_default())
            .unwrap_or(RETRY_AFTER_DEFAULT),
    };
    wait.clamp(RETRY_AFTER_MIN, RETRY_AFTER_MAX)
}

/// An answer that is not in the protocol.
pub(super) fn garbage(status: u16, detail: impl Into<String>) -> GatewayError {
    GatewayError::Unclear(Doubt::Garbage { status, detail: detail.into() })
}

/// The JSON of a good answer. An error names only its place and kind, never a value.
pub(super) fn json<T: serde::de::DeserializeOwned>(reply: &Reply) -> Result<T, GatewayError> {
    serde_json::from_slice(&reply.body).map_err(|error| {
        let (kind, line, column) = (error.classify(), error.line(), error.column());
        garbage(reply.status, format!("{kind:?} error at {line}:{column}"))
    })
}

/// Whether the first answer under a key, stored for its day, is a 5xx that says nothing.
pub(super) fn is_stored_failure(error: &GatewayError) -> bool {
    matches!(error, GatewayError::Unclear(Doubt::Server { replayed: true, .. }))
}

/// For requests that the object's state allows only once, or that move no money: an old refusal may be out of date, and an
/// old 5xx never told anything.
pub(super) fn says_nothing_now(answer: &Result<Reply, GatewayError>) -> bool {
    was_refused(answer) || answer.as_ref().is_err_and(is_stored_failure)
}

/// For requests that may have their effect twice: only an old refusal certainly had no effect.
pub(super) fn was_refused(answer: &Result<Reply, GatewayError>) -> bool {
    answer.as_ref().is_ok_and(|reply| reply.replayed && reply.status >= 400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = DateTime::parse_from_rfc2822("Wed, 21 Oct 2015 07:28:00 GMT").unwrap().to_utc();
        for (text, ms) in [
            ("7", 7_000),
            ("Wed, 21 Oct 2015 07:28:30 GMT", 30_000),
            ("Wed, 21 Oct 2015 07:00:00 GMT", 100),
            ("0", 100),
            ("99999999", 300_000),
            ("soon", 1_000),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), Duration::from_millis(ms), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), RETRY_AFTER_DEFAULT);
    }
}

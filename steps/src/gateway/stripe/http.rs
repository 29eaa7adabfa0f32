//! One request to Stripe: bounded in time and size, through the circuit breaker, never redirected.

use super::StripeConfig;
use crate::{
    breaker::{Breaker, Pass},
    gateway::{Doubt, GatewayError, Unsent},
};
use chrono::{DateTime, Utc};
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
/// What to wait where the gateway names nothing.
const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(1);
/// The API version whose shapes `wire` reads.
const API_VERSION: &str = "2024-06-20";

#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    base: Url,
    secret_key: SecretString,
    deadline: Duration,
    breaker: Breaker,
}

/// A request: path segments below `/v1`, and its parameters as form or query.
pub(super) struct Request<'a> {
    pub method: Method,
    pub path: &'a [&'a str],
    pub parameters: Vec<(&'static str, String)>,
    pub key: Option<String>,
    pub bytes_max: usize,
}

/// A whole answer of the gateway's, whatever it says, short of 3xx and 5xx.
pub(super) struct Reply {
    pub status: u16,
    pub retry_after: Duration,
    pub replayed: bool,
    pub body: Vec<u8>,
}

impl Http {
    pub fn new(config: StripeConfig, base: Url) -> Result<Self, reqwest::Error> {
        let mut client = Client::builder()
            .connect_timeout(config.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")));
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        Ok(Self {
            client: client.build()?,
            base,
            secret_key: config.secret_key,
            deadline: config.deadline,
            breaker: Breaker::new(config.breaker),
        })
    }

    /// How long the breaker lets nothing out.
    pub fn held_back(&self) -> Option<Duration> {
        self.breaker.held_back()
    }

    pub async fn send(&self, request: Request<'_>) -> Result<Reply, GatewayError> {
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
        let Request { method, path, parameters, key, bytes_max } = request;
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().expect("http and https URLs have a path");
        segments.pop_if_empty().push("v1").extend(path);
        drop(segments);
        let mut builder = self
            .client
            .request(method.clone(), url)
            .bearer_auth(self.secret_key.expose_secret())
            .header("stripe-version", API_VERSION);
        builder = if method == Method::GET { builder.query(&parameters) } else { builder.form(&parameters) };
        if let Some(key) = key {
            builder = builder.header("idempotency-key", key);
        }
        let response = builder.send().await.map_err(failure)?;
        let status = response.status().as_u16();
        let replayed = response.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
        let retry_after = retry_after(response.headers(), Utc::now());
        match status {
            // A stored 5xx says that the gateway is well now.
            500..=599 if replayed => pass.answered(),
            300..=399 | 500..=599 => {}
            _ => {
                let body = read_body(response, bytes_max).await?;
                pass.answered();
                return Ok(Reply { status, retry_after, replayed, body });
            }
        }
        Err(GatewayError::Unclear(match status {
            300..=399 => Doubt::Redirect(status),
            _ => Doubt::Server { status, replayed },
        }))
    }
}

/// True for hosts that can't be overheard: only there may a key travel without TLS, and no proxy is asked.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Only a failed connect is sure to have sent nothing.
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
    wait.min(RETRY_AFTER_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = DateTime::parse_from_rfc2822("Wed, 21 Oct 2015 07:28:00 GMT").unwrap().to_utc();
        for (text, seconds) in [
            ("7", 7),
            ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
            ("Wed, 21 Oct 2015 07:00:00 GMT", 0),
            ("99999999", 300),
            ("soon", 1),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), Duration::from_secs(seconds), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), RETRY_AFTER_DEFAULT);
    }

    #[test]
    fn only_this_machine_counts_as_loopback() {
        for (url, expected) in [
            ("http://127.0.0.1:8081", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}

//! The address of a gateway, and the bounds on requests.

use crate::breaker::BreakerConfig;
use reqwest::Url;
use secrecy::SecretString;
use std::{num::NonZeroU32, time::Duration};

/// How a gateway is reached over HTTP.
#[derive(Clone, Debug)]
pub struct HttpConfig {
    /// The base URL, for example `https://api.stripe.com`. Without TLS only on this machine.
    pub url: String,
    /// The account's secret key (`sk_…`).
    pub secret_key: SecretString,
    /// How long one request may take, from connecting to the last byte of its answer.
    pub deadline: Duration,
    /// How long connecting may take. If it fails, the request was certainly not sent.
    pub connect_timeout: Duration,
    /// When the circuit breaker stops sending.
    pub breaker: BreakerConfig,
    /// The requests a second that this process sends over a long time, and in a burst. Beyond that a request waits for a
    /// moment, and is then refused as busy without having been sent.
    pub requests_per_s: NonZeroU32,
}

/// The configuration can't work.
#[derive(Debug, thiserror::Error)]
pub enum BadHttpConfig {
    /// Not an absolute http or https URL.
    #[error("`{0}` is not a gateway's URL; write for example `https://api.stripe.com`")]
    Url(String),
    /// The key would be sent unencrypted.
    #[error(
        "`{0}` would send the secret key without TLS, which is allowed only for a gateway on this machine"
    )]
    Insecure(String),
    /// The HTTP client could not be made (rustls' crypto provider not installed, for example).
    #[error("making the gateway's HTTP client")]
    Client(#[source] reqwest::Error),
}

impl HttpConfig {
    /// Stripe's own limit is 100 requests a second for an account.
    const REQUESTS_PER_S: NonZeroU32 = NonZeroU32::new(100).unwrap();

    /// With a deadline of 10 s, 2 s for connecting, 100 requests a second, and the default breaker.
    pub fn new(url: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secret_key: SecretString::from(secret_key.into()),
            deadline: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            breaker: BreakerConfig::default(),
            requests_per_s: Self::REQUESTS_PER_S,
        }
    }

    pub(super) fn base(&self) -> Result<Url, BadHttpConfig> {
        let url: Url = self.url.parse().map_err(|_| BadHttpConfig::Url(self.url.clone()))?;
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            "http" => Err(BadHttpConfig::Insecure(self.url.clone())),
            _ => Err(BadHttpConfig::Url(self.url.clone())),
        }
    }
}

/// True for hosts on this machine, where nobody can listen: only there a key may be sent without TLS, and no proxy is used.
pub(super) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

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

//! One attempt: a signed request, bounded in time and size, never redirected.

use super::{
    address::{PrivateAddresses, check_url},
    event::{CloudEvent, MEDIA_TYPE},
    resolver::{PublicOnly, leads_home},
    store::subscriptions::Active,
};
use chrono::{DateTime, Utc};
use orchestrator::outbox::Message;
use reqwest::{
    Client, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER},
    redirect,
};
use secrecy::ExposeSecret;
use std::time::{Duration, Instant};
use steps::gateway::standard_webhooks;
use tokio::time::timeout;

/// How many bytes of an answer's body are read, so that the connection can be used again. The body is ignored.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long reading the body may take. The status is the answer.
const BODY_MAX: Duration = Duration::from_millis(500);
/// The longest wait that a `Retry-After` may impose.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// How many characters of an error are kept.
const ERROR_CHARS_MAX: usize = 300;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The receiver has the message.
    Arrived,
    /// The receiver may or may not have it, so it will be sent again.
    Failed {
        /// What went wrong, for people.
        error: String,
        /// How long the receiver asked us to wait.
        wait: Option<Duration>,
    },
    /// The receiver wants no more messages.
    Gone,
}

impl Sent {
    /// A failure without a wait that the receiver asked for.
    pub fn failed(error: impl Into<String>) -> Self {
        Self::Failed { error: error.into(), wait: None }
    }
}

/// The HTTP client that sends messages.
#[derive(Clone, Debug)]
pub struct Sender {
    client: Client,
    private: PrivateAddresses,
    deadline: Duration,
}

impl Sender {
    /// A sender with this bound on each attempt.
    ///
    /// # Errors
    /// The HTTP client can't be made.
    pub fn new(private: PrivateAddresses, deadline: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(deadline / 2)
            .user_agent(concat!("usher/", env!("CARGO_PKG_VERSION")));
        let client = match private {
            PrivateAddresses::Refuse => client.dns_resolver(PublicOnly),
            PrivateAddresses::Allow => client,
        };
        Ok(Self { client: client.build()?, private, deadline })
    }

    /// Makes one attempt, unless it is too late: a node that was frozen must not send what others have sent long ago.
    pub async fn send(&self, to: &Active, message: &Message, leave_by: Instant) -> Sent {
        if Instant::now() > leave_by {
            return Sent::failed("its lease was nearly over before it left");
        }
        match timeout(self.deadline, self.attempt(to, message)).await {
            Ok(sent) => sent,
            Err(_) => Sent::failed(format!("no answer within {:?}", self.deadline)),
        }
    }

    async fn attempt(&self, to: &Active, message: &Message) -> Sent {
        // This is checked at each attempt, because the setting may have changed since the subscription was added.
        let url = match check_url(&to.url, self.private) {
            Ok(url) => url,
            Err(forbidden) => return Sent::failed(forbidden.to_string()),
        };
        let event = CloudEvent::of(message);
        let body = match serde_json::to_vec(&event) {
            Ok(body) => body,
            Err(error) => return Sent::failed(format!("the message can't be written as JSON: {error}")),
        };
        let now = Utc::now();
        let Ok(signature) = standard_webhooks::sign(&event.id, &body, to.secret.expose_secret(), now) else {
            return Sent::failed(
                "its secret is not `whsec_` and base64; remove the subscription and add it anew",
            );
        };
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header("webhook-id", &event.id)
            .header("webhook-timestamp", now.timestamp())
            .header("webhook-signature", signature)
            .body(body);
        match request.send().await {
            Ok(response) => answered(response, now).await,
            Err(error) => Sent::failed(in_words(error)),
        }
    }
}

async fn answered(response: Response, now: DateTime<Utc>) -> Sent {
    let status = response.status();
    let wait = retry_after(response.headers(), now);
    let _ = timeout(BODY_MAX, drain(response)).await;
    match status {
        status if status.is_success() => Sent::Arrived,
        StatusCode::GONE => Sent::Gone,
        status if status.is_redirection() => {
            Sent::failed(format!("answered {}; redirects are not followed", status.as_u16()))
        }
        status => Sent::Failed { error: format!("answered {}", status.as_u16()), wait },
    }
}

/// Reads the rest of the body, if it is short.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > BODY_BYTES_MAX {
            return;
        }
    }
}

/// The error's text, without the URL, which is in the list of subscriptions, and without the receiver's own words. The last
/// error of the chain says what happened: `connection refused`, `invalid peer certificate`.
fn in_words(error: reqwest::Error) -> String {
    if let Some(private) = leads_home(&error) {
        return private.to_string();
    }
    let (what, error) =
        (if error.is_connect() { "can't be reached" } else { "the request broke off" }, error.without_url());
    let mut last: &dyn std::error::Error = &error;
    while let Some(source) = last.source() {
        last = source;
    }
    format!("{what}: {last}").chars().take(ERROR_CHARS_MAX).collect()
}

/// Reads `Retry-After`: seconds or an HTTP date (RFC 9110 §10.2.3), bounded.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default(),
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

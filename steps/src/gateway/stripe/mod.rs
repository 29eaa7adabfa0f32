//! The adapter that speaks Stripe's protocol: to Stripe, and to the simulator that ships with us.
//!
//! Only the URL and the secret key differ between the two. One call is one request (plus one read where an
//! answer was a replay, since a replay shows the intent as it once was). Cards only, so that a confirmation
//! never needs a page of ours.

mod event;
mod form;
mod http;
mod refusal;
mod wire;

pub use crate::breaker::BreakerConfig;
pub use event::{BadEvent, PROVIDER, TYPES, read as read_event};

use super::{
    Answer, CancelReason, Doubt, Event, EventId, GatewayError, Intent, IntentId, IntentStatus, KEY_BYTES_MAX,
    Money, Order, PAGE_ITEMS_MAX, Page, PaymentGateway, Refund, RefundOrder, Trace, Window,
};
use chrono::{DateTime, Utc};
use http::{Http, OBJECT_BYTES_MAX, PAGE_BYTES_MAX, Reply, Request};
use refusal::garbage;
use reqwest::{Method, Url};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::time::Duration;
use wire::{List, PaymentIntent, WireRefund};

/// Where Stripe is and how long to bear with it.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// `https://api.stripe.com`, or the simulator's URL. Without TLS only on this machine.
    pub url: String,
    /// The account's secret key (`sk_…`).
    pub secret_key: SecretString,
    /// For one request, from connecting to the last byte of its answer.
    pub deadline: Duration,
    /// For connecting alone; a failure within it is surely unsent.
    pub connect_timeout: Duration,
    /// When to stop sending.
    pub breaker: BreakerConfig,
}

/// The configuration can't work.
#[derive(Debug, thiserror::Error)]
pub enum BadStripeConfig {
    /// Not an absolute http or https URL.
    #[error("`{0}` is not a gateway's URL; write for example `https://api.stripe.com`")]
    Url(String),
    /// The key would travel in the clear.
    #[error("`{0}` would send the secret key without TLS; only a gateway on this machine may do without")]
    Insecure(String),
    /// The HTTP client could not be made (rustls' crypto provider not installed, for example).
    #[error("making the gateway's HTTP client")]
    Client(#[source] reqwest::Error),
}

/// The adapter. One a process: it holds the connections and the circuit breaker.
#[derive(Debug)]
pub struct Stripe {
    http: Http,
}

impl StripeConfig {
    /// With a deadline of 10 s, 2 s for connecting, and the default breaker.
    pub fn new(url: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secret_key: SecretString::from(secret_key.into()),
            deadline: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(2),
            breaker: BreakerConfig::default(),
        }
    }
}

impl Stripe {
    /// Makes the adapter; connects to nothing yet.
    ///
    /// # Errors
    /// [`BadStripeConfig`].
    pub fn new(config: StripeConfig) -> Result<Self, BadStripeConfig> {
        let url: Url = config.url.parse().map_err(|_| BadStripeConfig::Url(config.url.clone()))?;
        match url.scheme() {
            "https" => {}
            "http" if http::is_loopback(&url) => {}
            "http" => return Err(BadStripeConfig::Insecure(config.url)),
            _ => return Err(BadStripeConfig::Url(config.url)),
        }
        let http = Http::new(config, url).map_err(BadStripeConfig::Client)?;
        Ok(Self { http })
    }

    async fn get(
        &self,
        path: &[&str],
        parameters: Vec<(&'static str, String)>,
        bytes_max: usize,
    ) -> Result<Reply, GatewayError> {
        self.http.send(Request { method: Method::GET, path, parameters, key: None, bytes_max }).await
    }

    async fn post(
        &self,
        path: &[&str],
        parameters: Vec<(&'static str, String)>,
        key: &str,
        operation: &str,
    ) -> Result<Reply, GatewayError> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(GatewayError::Invalid {
                code: "key".to_owned(),
                param: "idempotency_key".to_owned(),
                message: format!("a base key is 1 to {KEY_BYTES_MAX} visible ASCII characters"),
            });
        }
        let key = Some(format!("{key}:{operation}"));
        self.http
            .send(Request { method: Method::POST, path, parameters, key, bytes_max: OBJECT_BYTES_MAX })
            .await
    }

    /// For what the object's own state lets happen only once, so that no key is needed to make it safe: where a
    /// stored 5xx blocks the key for a day, a second key asks again.
    async fn post_guarded(
        &self,
        path: &[&str],
        parameters: Vec<(&'static str, String)>,
        key: &str,
        operation: &str,
    ) -> Result<Reply, GatewayError> {
        match self.post(path, parameters.clone(), key, operation).await {
            Err(GatewayError::Unclear(Doubt::Server { replayed: true, .. })) => {
                self.post(path, parameters, key, &format!("{operation}-2")).await
            }
            other => other,
        }
    }

    /// The intent of an answer; read again where the answer was a replay.
    async fn current(&self, reply: Reply, expected: Option<&IntentId>) -> Result<Intent, GatewayError> {
        let intent = intent(&reply, expected)?;
        if reply.replayed { self.read(&intent.id).await } else { Ok(intent) }
    }
}

impl PaymentGateway for Stripe {
    fn provider(&self) -> &'static str {
        PROVIDER
    }

    fn held_back(&self) -> Option<Duration> {
        self.http.held_back()
    }

    fn create<'a>(&'a self, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let reply = self.post(&["payment_intents"], form::create(order), key, "create").await?;
            self.current(reply, None).await
        })
    }

    fn confirm<'a>(&'a self, id: &'a IntentId, order: &'a Order, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str(), "confirm"];
            let reply = self.post(&path, form::confirm(order), key, "confirm").await?;
            self.current(reply, Some(id)).await
        })
    }

    fn read<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str()];
            let reply = self.get(&path, form::expanded(vec![]), OBJECT_BYTES_MAX).await?;
            intent(&reply, Some(id))
        })
    }

    /// By Stripe's search, which may lag behind writes by a minute, and by hours during an outage of theirs.
    fn find<'a>(&'a self, trace: &'a Trace) -> Answer<'a, Vec<Intent>> {
        Box::pin(async move {
            let Some(parameters) = form::search(trace) else { return Ok(vec![]) };
            let reply = self.get(&["payment_intents", "search"], parameters, PAGE_BYTES_MAX).await?;
            Ok(intents(&reply)?.items)
        })
    }

    fn capture<'a>(&'a self, id: &'a IntentId, money: Money, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str(), "capture"];
            let reply = self.post_guarded(&path, form::capture(money), key, "capture").await?;
            let captured = |intent: &Intent| intent.amount_received == money.amount;
            or_already(self.current(reply, Some(id)).await, captured)
        })
    }

    fn cancel<'a>(&'a self, id: &'a IntentId, reason: CancelReason, key: &'a str) -> Answer<'a, Intent> {
        Box::pin(async move {
            let path = ["payment_intents", id.as_str(), "cancel"];
            let reply = self.post_guarded(&path, form::cancel(reason), key, "cancel").await?;
            let canceled = |intent: &Intent| intent.status == IntentStatus::Canceled;
            or_already(self.current(reply, Some(id)).await, canceled)
        })
    }

    fn refund<'a>(&'a self, order: &'a RefundOrder, key: &'a str) -> Answer<'a, Refund> {
        Box::pin(async move {
            let reply = self.post(&["refunds"], form::refund(order), key, "refund").await?;
            let made = refund(&reply)?;
            if !reply.replayed {
                return Ok(made);
            }
            let reply = self.get(&["refunds", made.id.as_str()], vec![], OBJECT_BYTES_MAX).await?;
            refund(&reply)
        })
    }

    fn refunds<'a>(&'a self, id: &'a IntentId) -> Answer<'a, Vec<Refund>> {
        Box::pin(async move {
            let reply = self.get(&["refunds"], form::refunds(id), PAGE_BYTES_MAX).await?;
            let list: List<WireRefund> = parse(&reply)?;
            list.data
                .into_iter()
                .map(WireRefund::read)
                .collect::<Result<_, _>>()
                .map_err(|what| garbage(200, what))
        })
    }

    fn list<'a>(
        &'a self,
        window: &'a Window,
        after: Option<&'a IntentId>,
    ) -> Answer<'a, Page<Intent, IntentId>> {
        Box::pin(async move {
            let parameters = form::list(window, after);
            let reply = self.get(&["payment_intents"], parameters, PAGE_BYTES_MAX).await?;
            intents(&reply)
        })
    }

    fn events<'a>(
        &'a self,
        since: DateTime<Utc>,
        after: Option<&'a EventId>,
    ) -> Answer<'a, Page<Event, EventId>> {
        Box::pin(async move {
            let reply = self.get(&["events"], form::events(since, after), PAGE_BYTES_MAX).await?;
            events(&reply)
        })
    }
}

fn parse<T: DeserializeOwned>(reply: &Reply) -> Result<T, GatewayError> {
    match reply.status {
        200..=299 => serde_json::from_slice(&reply.body).map_err(|error| {
            // The place and kind of the error, never the value.
            let (kind, line, column) = (error.classify(), error.line(), error.column());
            garbage(reply.status, format!("{kind:?} error at {line}:{column}"))
        }),
        _ => Err(refusal::read(reply)),
    }
}

fn intent(reply: &Reply, expected: Option<&IntentId>) -> Result<Intent, GatewayError> {
    let intent = parse::<PaymentIntent>(reply)?.read().map_err(|what| garbage(reply.status, what))?;
    match expected {
        Some(id) if *id != intent.id => Err(garbage(reply.status, "another intent than the one asked for")),
        _ => Ok(intent),
    }
}

/// A refusal because the intent is already as we want it is no refusal.
fn or_already(
    answer: Result<Intent, GatewayError>,
    is_done: impl FnOnce(&Intent) -> bool,
) -> Result<Intent, GatewayError> {
    match answer {
        Err(GatewayError::WrongState { intent: Some(intent), .. }) if is_done(&intent) => Ok(*intent),
        other => other,
    }
}

fn refund(reply: &Reply) -> Result<Refund, GatewayError> {
    parse::<WireRefund>(reply)?.read().map_err(|what| garbage(reply.status, what))
}

fn intents(reply: &Reply) -> Result<Page<Intent, IntentId>, GatewayError> {
    let list: List<PaymentIntent> = parse(reply)?;
    let items = list.data.into_iter().map(PaymentIntent::read).collect::<Result<Vec<_>, _>>();
    let items = items.map_err(|what| garbage(reply.status, what))?;
    let next = items.last().filter(|_| list.has_more).map(|last| last.id.clone());
    Ok(Page { items, next })
}

fn events(reply: &Reply) -> Result<Page<Event, EventId>, GatewayError> {
    let list: List<Box<RawValue>> = parse(reply)?;
    let mut items = Vec::with_capacity(list.data.len().min(PAGE_ITEMS_MAX));
    for raw in list.data {
        let fact =
            read_event(raw.get().as_bytes()).map_err(|error| garbage(reply.status, error.to_string()))?;
        items.push(Event { id: fact.event_id.clone(), body: raw.get().to_owned(), fact });
    }
    let next = items.last().filter(|_| list.has_more).map(|last| last.id.clone());
    Ok(Page { items, next })
}

#[cfg(test)]
mod tests;

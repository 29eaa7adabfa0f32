//! A simulator, the adapter that speaks to it, and a receiver of its webhooks.

use super::super::{Config, Speak, serve};
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use chrono::Utc;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};
use steps::gateway::{
    CaptureMethod, Currency, Fact, FactKind, Gateway, HttpConfig, Money, Order, Provider, Trace,
    signature::Secret,
    standard::StandardGateway,
    stripe::{BreakerConfig, Stripe},
};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const SECRET: &str = "whsec_test";
/// The adapter's deadline: what hangs is given up after this.
pub const DEADLINE: Duration = Duration::from_millis(500);
/// The longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct World {
    pub gateway: Gateway,
    pub url: String,
    pub http: reqwest::Client,
    receiver: Arc<Receiver>,
    config: Config,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

#[derive(Default)]
struct Receiver {
    received: Mutex<Vec<Received>>,
    status: AtomicU16,
}

#[derive(Clone, Debug)]
pub struct Received {
    pub signature: Option<String>,
    pub headers: HeaderMap,
    pub body: String,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        // Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let receiver = Arc::new(Receiver { status: AtomicU16::new(200), ..Receiver::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hook = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().route("/hook", post(receive)).with_state(Arc::clone(&receiver));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let mut config = Config {
            webhook_urls: vec![hook],
            webhook_secrets: vec![SECRET.to_owned()],
            settle_delay: Duration::from_millis(20),
            webhook_retry: Duration::from_millis(10),
            ..Config::default()
        };
        change(&mut config);
        let stop = CancellationToken::new();
        let (url, running) = started(config.clone(), stop.clone()).await;
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { gateway: adapter(&config, &url), url, http, receiver, config, stop, running }
    }

    /// Stops the simulator and starts it again with the same settings.
    pub async fn restart(&mut self) {
        self.stop.cancel();
        (&mut self.running).await.unwrap();
        self.stop = CancellationToken::new();
        (self.url, self.running) = started(self.config.clone(), self.stop.clone()).await;
        self.gateway = adapter(&self.config, &self.url);
    }

    fn provider(&self) -> Provider {
        match self.config.speak {
            Speak::Stripe => Provider::Stripe,
            Speak::Standard => Provider::Standard,
        }
    }

    /// What the receiver answers from now on.
    pub fn receiver_answers(&self, status: u16) {
        self.receiver.status.store(status, Ordering::SeqCst);
    }

    pub fn received(&self) -> Vec<Received> {
        self.receiver.received.lock().unwrap().clone()
    }

    /// What was received and rightly signed, in the order in which it came; without what we ignore.
    pub fn facts(&self) -> Vec<Fact> {
        let facts = self.received().into_iter().map(|received| {
            let header = |name: &str| {
                received.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
            };
            let (provider, body) = (self.provider(), received.body.as_bytes());
            provider.verify(header, body, &[Secret::new(SECRET)], Utc::now()).unwrap();
            provider.read(header, body).unwrap()
        });
        facts.filter(|fact| !matches!(fact.kind, FactKind::Ignored(_))).collect()
    }

    /// The kinds of the facts, once there are this many.
    pub async fn kinds(&self, count: usize) -> Vec<FactKind> {
        self.until("facts", async || Some(self.facts()).filter(|facts| facts.len() >= count)).await;
        self.facts().into_iter().map(|fact| fact.kind).collect()
    }

    /// Waits for something, with a bound.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "waited too long for {what}; received {:#?}",
                self.received()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn rule(&self, rule: Value) {
        self.control("rules", rule).await;
    }

    /// POSTs to `/control` and expects it to work.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let response =
            self.http.post(format!("{}/control/{path}", self.url)).json(&body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let response = self.http.get(format!("{}/control/{path}", self.url)).send().await.unwrap();
        response.json().await.unwrap()
    }

    /// The books' one line about this order's payment.
    pub async fn line(&self, order: &Order) -> Value {
        let id = order.trace.payment_id.unwrap();
        let books = self.get(&format!("books?payment_id={id}")).await;
        assert_eq!(books["intents"].as_array().unwrap().len(), 1, "{books}");
        assert_eq!(books["doubles"], no_doubles());
        books["intents"][0].clone()
    }

    /// A request as a client of Stripe's would send it; status and JSON.
    pub async fn raw(&self, path: &str, key: Option<&str>, form: &[(&str, &str)]) -> (u16, Value) {
        let mut request =
            self.http.post(format!("{}/v1/{path}", self.url)).bearer_auth("sk_test_usher").form(form);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }
}

pub fn no_doubles() -> Value {
    json!({"secured_again": 0, "captured_again": 0, "payments_charged_twice": 0, "refunded_too_much": 0,
        "captured_after_cancel": 0})
}

/// An order for a payment of its own.
pub fn order(method: &str) -> Order {
    Order {
        money: Money::new(12_500, Currency::EUR),
        method: method.parse().unwrap(),
        capture: CaptureMethod::Manual,
        return_url: None,
        trace: Trace {
            saga_id: Some(Uuid::now_v7()),
            payment_id: Some(Uuid::now_v7()),
            reservation_id: Some(Uuid::now_v7()),
        },
    }
}

/// The base key of an order.
pub fn key(order: &Order) -> String {
    format!("{}:3", order.trace.saga_id.unwrap())
}

async fn started(config: Config, stop: CancellationToken) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = async move { serve(config, listener, stop.cancelled_owned()).await.unwrap() };
    (url, tokio::spawn(serving))
}

fn adapter(config: &Config, url: &str) -> Gateway {
    let http = HttpConfig {
        deadline: DEADLINE,
        requests_per_s: std::num::NonZeroU32::new(10_000).unwrap(),
        breaker: BreakerConfig { failures_max: 1000, ..BreakerConfig::default() },
        ..HttpConfig::new(url, "sk_test_usher")
    };
    match config.speak {
        Speak::Stripe => Gateway::new(Stripe::new(http).unwrap()),
        Speak::Standard => Gateway::new(StandardGateway::new(http).unwrap()),
    }
}

async fn receive(State(receiver): State<Arc<Receiver>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("stripe-signature").map(|value| value.to_str().unwrap().to_owned());
    let body = String::from_utf8(body.to_vec()).unwrap();
    receiver.received.lock().unwrap().push(Received { signature, headers, body });
    StatusCode::from_u16(receiver.status.load(Ordering::SeqCst)).unwrap()
}

//! A whole service on a port of its own, with sagas that are really stuck.

use super::visitor::Visitor;
use api::http::auth::{Role, issue, issue_customer};
use chrono::{TimeDelta, Utc};
use orchestrator::{Bucket, SagaId};
use serde_json::{Value, json};
use service::{
    config::{self, Sources},
    node::Node,
};
use sqlx::PgPool;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use steps::{
    EventId, Money, SeatId,
    gateway::{
        Gateway,
        instant::{Act, Instant, Operation},
    },
    status::SaleStatus,
    store::events::{self, NewEvent},
};
use tests::support::{Database, redis_prefix, server, wait_until};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(30);

pub struct Stage {
    pub pool: PgPool,
    pub gateway: Instant,
    pub address: SocketAddr,
    pub node: Node,
    pub http: reqwest::Client,
    stop: CancellationToken,
    serving: JoinHandle<std::io::Result<()>>,
    _database: Database,
}

impl Stage {
    pub async fn set() -> Self {
        Self::with(&[]).await
    }

    /// With these configuration variables.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (database, gateway) = (Database::fresh().await, Instant::new());
        let set = [
            ("USHER_DATABASE_URL", database.app_url()),
            ("USHER_REDIS_URL", server().await.redis_url.clone()),
            ("USHER_REDIS_PREFIX", redis_prefix()),
            ("USHER_LANES_COUNT", "1".into()),
            ("USHER_LANES_POLL_MS", "50".into()),
            ("USHER_HTTP_SESSION_KEY", "a key that is long enough for a test".into()),
        ];
        let mut environment: BTreeMap<String, String> =
            set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        environment.extend(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let config = config::load(&Sources { file: None, environment }).unwrap().config;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let node = Node::with_gateway(config, Gateway::new(gateway.clone()), true).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(api::site::serve(node.service.clone(), listener, stop.clone()));
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Self { pool, gateway, address, node, http: http.unwrap(), stop, serving, _database: database }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn token(&self, role: Role, subject: &str) -> String {
        issue(&self.pool, role, subject, None).await.unwrap().expose().to_owned()
    }

    /// Somebody who has signed in, without a browser.
    pub async fn visitor(&self, role: Role, subject: &str) -> Visitor<'_> {
        let visitor = Visitor::new(self);
        let answer = visitor.sign_in(&self.token(role, subject).await, "").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        visitor
    }

    /// A customer's token.
    pub async fn customer(&self, name: &str) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let email = format!("guest{}@example.org", NEXT.fetch_add(1, Ordering::Relaxed));
        issue_customer(&self.pool, None, name, &email, None).await.unwrap().0.expose().to_owned()
    }

    /// An event on sale, with so many seats in this section.
    pub async fn event(&self, name: &str, section: &str, seats: i16) -> Vec<SeatId> {
        let event = EventId::new_in(Bucket::of_key(name));
        let currency = "EUR".parse().unwrap();
        let starts_at = Utc::now() + TimeDelta::days(1);
        let new = NewEvent { event, name, venue: name, seed: Some(1), currency, starts_at };
        let mut connection = self.pool.acquire().await.unwrap();
        events::ensure(&mut connection, &new, Utc::now()).await.unwrap();
        let mut made = Vec::new();
        for number in 1..=seats {
            let seat = SeatId::new_in(event.bucket());
            sqlx::query(
                "insert into booking.seats (id, event_id, price_minor, bucket, number, x_dm, y_dm, section, row_name, tier)
                 values ($1, $2, 12500, $3, $4, $4, 0, $5, 'C', 'first')",
            )
            .bind(seat)
            .bind(event)
            .bind(event.bucket().number())
            .bind(number)
            .bind(section)
            .execute(&mut *connection)
            .await
            .unwrap();
            made.push(seat);
        }
        events::set_sale(&mut connection, event, SaleStatus::Open).await.unwrap();
        made
    }

    async fn post(&self, token: &str, path: &str, body: Value) -> Value {
        let key = uuid::Uuid::now_v7().to_string();
        let request = self.http.post(self.url(path)).bearer_auth(token).header("idempotency-key", key);
        let answer = request.json(&body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Reserves a seat.
    pub async fn reserve(&self, customer: &str, seat: SeatId) -> SagaId {
        let made = self.post(customer, "/reservations", json!({ "seat_id": seat })).await;
        made["saga_id"].as_str().unwrap().parse().unwrap()
    }

    /// Reserves a seat and orders its payment.
    pub async fn buy(&self, customer: &str, seat: SeatId) -> SagaId {
        let saga = self.reserve(customer, seat).await;
        let order = json!({ "reservation_id": saga, "method": "pm_card_visa" });
        self.post(customer, "/payments", order).await;
        saga
    }

    /// From now on the gateway secures another amount than it was asked for.
    pub fn lie(&self) {
        let lie = Money::new(1, "EUR".parse().unwrap());
        self.gateway
            .script(move |asked| if asked.operation == Operation::Confirm { Act::Lie(lie) } else { Act::Go });
    }

    /// From now on the gateway does as it should.
    pub fn tell_the_truth(&self) {
        self.gateway.script(|_| Act::Go);
    }

    /// A saga that needs a person: its gateway says what can't be.
    pub async fn stuck(&self, customer: &str, seat: SeatId) -> SagaId {
        self.lie();
        let saga = self.buy(customer, seat).await;
        self.until(saga, "stuck").await;
        saga
    }

    /// Waits until a saga is in this state.
    pub async fn until(&self, saga: SagaId, state: &str) {
        wait_until(&format!("the saga is {state}"), LONG, async || {
            let found: Option<String> = sqlx::query_scalar("select state from usher.sagas where id = $1")
                .bind(saga.uuid())
                .fetch_optional(&self.pool)
                .await
                .unwrap();
            (found.as_deref() == Some(state)).then_some(())
        })
        .await;
    }

    /// Lets what runs end.
    pub async fn strike(self) {
        self.node.service.begin_draining();
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
        self.node.drain().await;
    }
}

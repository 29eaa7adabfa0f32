//! A caller, and a service on a database of its own.

use super::contract;
use api::{http::App, site::router};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use service::config::{self, Sources};
use service::node::Node;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use steps::UserId;
use steps::gateway::Gateway;
use steps::gateway::instant::Instant;
use tests::support::{Database, redis_prefix, server};
use tower::ServiceExt;

/// A service and its database.
pub struct Service {
    pub app: App,
    pub pool: PgPool,
    /// The gateway, to script and to look into.
    pub gateway: Instant,
    router: Router,
    node: Option<Node>,
    _database: Database,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// A request that is being put together.
pub struct Ask<'a> {
    service: &'a Service,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Body,
}

impl Service {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these configuration variables.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let gateway = Instant::new();
        Self::open(variables, gateway.clone(), Gateway::new(gateway)).await
    }

    /// With this gateway.
    pub async fn open(variables: &[(&str, &str)], instant: Instant, gateway: Gateway) -> Self {
        let database = Database::fresh().await;
        let mut environment: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        environment.entry("USHER_DATABASE_URL".into()).or_insert_with(|| database.app_url());
        environment.entry("USHER_REDIS_URL".into()).or_insert(server().await.redis_url.clone());
        environment.entry("USHER_REDIS_PREFIX".into()).or_insert_with(redis_prefix);
        environment.entry("USHER_LANES_COUNT".into()).or_insert("1".into());
        environment.entry("USHER_LANES_POLL_MS".into()).or_insert("50".into());
        let config = config::load(&Sources { file: None, environment }).unwrap().config;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let node = Node::with_gateway(config, gateway, true).await.unwrap();
        let app = App::of(node.service.clone());
        Self {
            router: router(app.clone()),
            app,
            pool,
            gateway: instant,
            node: Some(node),
            _database: database,
        }
    }

    /// Lets what runs end, so that the database holds still.
    pub async fn rest(&mut self) {
        if let Some(node) = self.node.take() {
            self.app.service.tasks.close();
            self.app.service.tasks.wait().await;
            node.drain().await;
        }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask { service: self, method, path: path.into(), headers: Vec::new(), body: Body::empty() }
    }

    /// A customer's token, and its user.
    pub async fn customer(&self) -> (String, UserId) {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let email = format!("customer{}@example.org", NEXT.fetch_add(1, Ordering::Relaxed));
        let (token, user) =
            api::http::auth::issue_customer(&self.pool, None, "Ada", &email, None).await.unwrap();
        (token.expose().to_owned(), user)
    }
}

impl Ask<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn raw(mut self, kind: &str, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self.header("content-type", kind)
    }

    /// Sends it, and holds the answer to the contract.
    pub async fn send(self) -> Answer {
        let mut request = Request::builder().method(self.method.clone()).uri(&self.path);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(self.body).unwrap();
        let response = self.service.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        let answer = Answer { status: parts.status, headers: parts.headers, text };
        contract::hold(&self.method, &self.path, &answer);
        answer
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem of this status and code.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!(
            (self.status.as_u16(), problem["code"].as_str().unwrap_or("")),
            (status, code),
            "{problem:#}"
        );
        problem
    }

    /// The body of this status.
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }
}

//! A caller, and a service on a database of its own.

use super::contract;
use api::{http::App, site::router};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use std::ops::Deref;
use steps::gateway::Gateway;
use steps::gateway::instant::Instant;
use tests::support::{Setup, World};
use tower::ServiceExt;

/// A world that is asked through its router, without a port.
pub struct Service {
    pub app: App,
    /// The gateway, to script and to look into.
    pub gateway: Instant,
    router: Router,
    world: World,
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
        let setup = Setup::default().with(variables.iter().copied()).gateway(gateway);
        let world = setup.open().await;
        let app = App::of(world.service.clone());
        Self { router: router(app.clone()), app, gateway: instant, world }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask { service: self, method, path: path.into(), headers: Vec::new(), body: Body::empty() }
    }
}

impl Deref for Service {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
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

//! A whole service on a port of its own, with sagas that are really stuck.

use super::visitor::Visitor;
use api::http::auth::{Role, issue};
use orchestrator::SagaId;
use serde_json::{Value, json};
use std::{net::SocketAddr, ops::Deref, time::Duration};
use steps::{
    Money, SeatId,
    gateway::{
        Gateway,
        instant::{Act, Instant, Operation},
    },
};
use tests::support::{Setup, Venue, World, wait_until};
use tokio::net::TcpListener;

/// Longer than anything here takes.
pub const LONG: Duration = Duration::from_secs(30);

pub struct Stage {
    pub gateway: Instant,
    pub address: SocketAddr,
    pub http: reqwest::Client,
    world: World,
}

impl Deref for Stage {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl Stage {
    pub async fn set() -> Self {
        Self::with(&[]).await
    }

    /// With these configuration variables.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        let gateway = Instant::new();
        let key = ("USHER_HTTP_SESSION_KEY", "a key that is long enough for a test");
        let setup = Setup::default().with([key]).with(variables.iter().copied());
        let world = setup.gateway(Gateway::new(gateway.clone())).open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        world.serve(listener);
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        Self { gateway, address, http: http.unwrap(), world }
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
        self.world.customer(name).await.0
    }

    /// An event on sale, with so many seats in this section.
    pub async fn event(&self, name: &str, section: &str, seats: i16) -> Vec<SeatId> {
        let venue =
            Venue { name: name.into(), section: section.into(), row: "C", ..Venue::with_seats(seats) };
        self.open_venue(&venue).await.seats
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

    /// A stuck saga: the gateway secured another amount than was ordered. The gateway keeps lying.
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

    /// Stops the service after the work that is under way.
    pub async fn strike(self) {
        self.world.leave().await;
    }
}

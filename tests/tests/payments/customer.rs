//! A customer: HTTP requests, each under a key of its own.

use super::world::PaymentWorld;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use tests::support::Show;

/// Somebody who wants seats.
pub struct Customer<'a> {
    world: &'a PaymentWorld,
    pub token: String,
    pub email: String,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub location: String,
    pub body: Value,
}

impl<'a> Customer<'a> {
    pub async fn new(world: &'a PaymentWorld) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let email = format!("customer{}@example.org", NEXT.fetch_add(1, Ordering::Relaxed));
        let issued = api::http::auth::issue_customer(&world.pool, None, "Ada", &email, None).await.unwrap();
        Self { world, token: issued.0.expose().to_owned(), email }
    }

    /// Holds these seats.
    pub async fn reserve(&self, show: &Show, seats: &[usize]) -> Value {
        let seats: Vec<_> = seats.iter().map(|seat| show.seats[*seat]).collect();
        self.post("/reservations", json!({"event_id": show.event, "seat_ids": seats})).await.is(201)
    }

    /// Orders a payment with this method; answers when the gateway has, or after a while.
    pub async fn pay(&self, reservation: &Value, method: &str) -> Value {
        let body = json!({"reservation_id": reservation["reservation_id"], "method": method});
        self.post("/payments", body).await.is(202)
    }

    /// The reservation as it is now.
    pub async fn reservation(&self, reservation: &Value) -> Value {
        self.get(&format!("/reservations/{}", reservation["reservation_id"].as_str().unwrap())).await.is(200)
    }

    /// The payment as it is now.
    pub async fn payment(&self, payment: &Value) -> Value {
        self.get(&format!("/payments/{}", payment["payment_id"].as_str().unwrap())).await.is(200)
    }

    /// Waits until the reservation has this status.
    pub async fn until(&self, reservation: &Value, status: &str) -> Value {
        self.world
            .until_heard(&format!("the reservation is {status}"), async || {
                let found = self.reservation(reservation).await;
                (found["status"] == status).then_some(found)
            })
            .await
    }

    pub async fn get(&self, path: &str) -> Answer {
        Self::send(self.ask(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        let key = uuid::Uuid::now_v7().to_string();
        Self::send(self.ask(Method::POST, path).header("idempotency-key", key).json(&body)).await
    }

    /// As [`Customer::post`], and waits for the end.
    pub async fn post_waiting(&self, path: &str, body: Value) -> Answer {
        let key = uuid::Uuid::now_v7().to_string();
        let ask = self.ask(Method::POST, path).header("idempotency-key", key).header("prefer", "wait=10");
        Self::send(ask.json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Self::send(self.ask(Method::DELETE, path)).await
    }

    fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.world.http.request(method, format!("{}{path}", self.world.url)).bearer_auth(&self.token)
    }

    async fn send(request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let location =
            answer.headers().get("location").map_or("", |value| value.to_str().unwrap()).to_owned();
        let text = answer.text().await.unwrap();
        Answer { status, location, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }
}

impl Answer {
    /// The body of this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// Asserts the problem of this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        self.body
    }
}

//! What is written into the logs, and what never is.

use super::world::{LONG, PaymentWorld, SECRET};
use serde_json::json;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::fmt::MakeWriter;

/// Everything that was logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The subscriber is the whole process's, so it gets the lines of other tests too. They must have no secrets either.
#[tokio::test]
async fn secrets_and_card_numbers_are_never_in_the_logs() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("debug,orchestrator=trace,steps=trace,workflows=trace,api=trace")
        .with_writer(lines.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let world = PaymentWorld::open().await;
    let (show, ada) = (world.show(3, LONG).await, world.customer().await);
    let reservation = ada.reserve(&show, &[0]).await;
    for number in ["4242424242424242", "4242 4242 4242 4242", "4000-0000-0000-0002"] {
        let body = json!({"reservation_id": reservation["reservation_id"], "method": number});
        ada.post("/payments", body).await.problem(422, "validation");
    }
    world.gateway.rule(&["confirm"], 1, json!({"after": {"fail": {"status": 500}}})).await;
    world.gateway.rule(&["read", "capture"], 1, json!({"after": "garbage"})).await;
    ada.pay(&reservation, "pm_card_visa").await;
    let declined = ada.reserve(&show, &[1]).await;
    ada.pay(&declined, "pm_card_chargeDeclined").await;
    let forged = world.http.post(format!("{}/webhooks/stripe", world.url)).body("{\"id\":\"evt_1\"}");
    forged.header("stripe-signature", format!("t=1,v1={SECRET}")).send().await.unwrap();
    ada.until(&reservation, "CONFIRMED").await;
    ada.until(&declined, "EXPIRED").await;
    world.gateway.rule(&["create", "confirm"], None, json!({"before": "echo"})).await;
    let echoed = ada.reserve(&show, &[2]).await;
    ada.pay(&echoed, "pm_card_visa").await;
    ada.until(&echoed, "EXPIRED").await;
    let (token, email) = (ada.token.clone(), ada.email.clone());
    world.rest().await;

    let logged = String::from_utf8_lossy(&lines.0.lock().unwrap()).into_owned();
    assert!(logged.contains("asked the gateway"), "nothing was logged");
    let secrets = [
        "sk_test_usher",
        SECRET,
        "whsec_",
        "4242424242424242",
        "4242 4242 4242",
        "4000-0000",
        &token,
        &email,
        "client_secret",
    ];
    for secret in secrets {
        let line = logged.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "`{secret}` is in the logs");
    }
}

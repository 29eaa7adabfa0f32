//! The simulated gateway as tests use it: over HTTP only, scripted through its control API.

use super::books::Books;
use dev::gateway::{Config, serve};
use reqwest::Client;
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// A simulated gateway for one test.
pub struct Gateway {
    pub url: String,
    http: Client,
    config: Config,
    serving: Mutex<Option<(DropGuard, JoinHandle<()>)>>,
}

impl Gateway {
    /// Serves until it is dropped.
    pub async fn start(config: Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let http = Client::builder().no_proxy().build().unwrap();
        let serving = Mutex::new(Some(serving(config.clone(), listener)));
        Self { url, http, config, serving }
    }

    /// Stops the gateway: nothing listens at its address any more.
    pub async fn stop(&self) {
        let serving = self.serving.lock().unwrap().take();
        if let Some((stop, serving)) = serving {
            drop(stop);
            serving.await.unwrap();
        }
    }

    /// Starts the gateway again at the same address. Its books are those of its file, or empty.
    pub async fn start_again(&self) {
        let listener = TcpListener::bind(self.url.trim_start_matches("http://")).await.unwrap();
        *self.serving.lock().unwrap() = Some(serving(self.config.clone(), listener));
    }

    /// Adds a rule: the next `times` of these operations (`None`: all of them) do what `acts` says.
    pub async fn rule(&self, on: &[&str], times: impl Into<Option<u32>>, acts: Value) {
        let times: Option<u32> = times.into();
        self.control("rules", json!({"match": {"on": on}, "times": times, "do": acts})).await;
    }

    /// Forgets all rules.
    pub async fn behave(&self) {
        let answer = self.http.delete(format!("{}/control/rules", self.url)).send().await.unwrap();
        assert!(answer.status().is_success());
    }

    /// Forgets the rules for this operation alone.
    pub async fn forget(&self, on: &str) {
        let rules = self.read("rules").await;
        let is_for = |rule: &&Value| rule["match"]["on"].as_array().unwrap().iter().any(|one| one == on);
        for rule in rules["rules"].as_array().unwrap().iter().filter(is_for) {
            let answer = self.http.delete(format!("{}/control/rules/{}", self.url, rule["id"])).send().await;
            assert!(answer.unwrap().status().is_success());
        }
    }

    /// Ends the random faults; rules stay.
    pub async fn calm(&self) {
        let calm = self.http.put(format!("{}/control/chaos", self.url)).json(&json!({"probability": 0.0}));
        assert!(calm.send().await.unwrap().status().is_success());
    }

    /// POSTs to the control API and expects it to work.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}/control/{path}", self.url)).json(&body).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path} {body}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The gateway's books, which are the witness.
    pub async fn books(&self) -> Books {
        serde_json::from_value(self.read("books").await).unwrap()
    }

    /// How many webhooks are on their way.
    pub async fn webhooks_due(&self) -> u64 {
        self.read("webhooks").await["due"].as_u64().unwrap()
    }

    /// How many rules are in force.
    pub async fn rules(&self) -> usize {
        self.read("rules").await["rules"].as_array().unwrap().len()
    }

    /// Sends a request as another program with the same Stripe account would.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let (status, body) = self.try_post(path, None, form).await;
        assert_eq!(status, 200, "{path} {form:?}: {body}");
        body
    }

    /// As [`Gateway::post`], under an idempotency key, whatever the answer is.
    pub async fn try_post(&self, path: &str, key: Option<&str>, form: &[(&str, &str)]) -> (u16, Value) {
        let request =
            self.http.post(format!("{}/v1/{path}", self.url)).bearer_auth("sk_test_usher").form(form);
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn read(&self, path: &str) -> Value {
        let answer = self.http.get(format!("{}/control/{path}", self.url)).send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }
}

fn serving(config: Config, listener: TcpListener) -> (DropGuard, JoinHandle<()>) {
    let stop = CancellationToken::new();
    let serving = serve(config, listener, stop.clone().cancelled_owned());
    (stop.drop_guard(), tokio::spawn(async move { serving.await.unwrap() }))
}

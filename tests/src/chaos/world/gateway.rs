//! The simulated gateway, in this process, and its books, which are a witness.

use anyhow::Context;
use dev::gateway::{Config, serve};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};

/// The secret key that nodes show.
pub(super) const KEY: &str = "sk_test_usher";
/// The gateway itself never takes so long for its control.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// A gateway of the run's own; dropped, it is gone.
pub(in super::super) struct Gateway {
    pub url: String,
    http: Client,
    _serving: JoinSet<()>,
}

/// What the gateway did.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Books {
    pub intents: Vec<Intent>,
    /// By currency in lower case.
    pub sums: BTreeMap<String, Sums>,
    /// What was done twice, by its name.
    pub doubles: BTreeMap<String, u64>,
}

/// One payment, as the gateway has it.
#[derive(Debug, Deserialize)]
pub(in super::super) struct Intent {
    pub id: String,
    pub reservation_id: Option<String>,
}

/// One currency's sums, in minor units.
#[derive(Debug, Default, Deserialize)]
pub(in super::super) struct Sums {
    /// Held now.
    pub authorised: i64,
    /// Captured and not given back.
    pub kept: i64,
}

impl Gateway {
    pub async fn open(webhook_url: &str, secret: &str) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listening for the gateway")?;
        let url = format!("http://{}", listener.local_addr()?);
        let config = Config {
            api_key: KEY.to_owned(),
            webhook_urls: vec![webhook_url.to_owned()],
            webhook_secrets: vec![secret.to_owned()],
            settle_delay: Duration::from_millis(300),
            ..Config::default()
        };
        let http = Client::builder().no_proxy().timeout(ANSWER_MAX).build()?;
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            if let Err(error) = serve(config, listener, std::future::pending::<()>()).await {
                super::super::say(&format!("the gateway ended: {error}"));
            }
        });
        Ok(Self { url, http, _serving: serving })
    }

    /// The secret key that it takes.
    pub fn key(&self) -> &'static str {
        KEY
    }

    /// From now on so much goes wrong of everything, 0 to 1.
    pub async fn mood(&self, probability: f64, seed: u64) -> anyhow::Result<()> {
        let url = format!("{}/control/chaos", self.url);
        let set = self.http.put(url).json(&json!({"probability": probability, "seed": seed})).send().await;
        set.and_then(reqwest::Response::error_for_status).context("setting the gateway's mood")?;
        Ok(())
    }

    pub async fn calm(&self) -> anyhow::Result<()> {
        self.mood(0.0, 0).await
    }

    pub async fn books(&self) -> anyhow::Result<Books> {
        let asked = self.http.get(format!("{}/control/books", self.url)).send().await;
        asked.context("asking for the books")?.json().await.context("reading the gateway's books")
    }

    /// Something that only a person does there: approve, dispute. `false`: it can't be done now.
    pub async fn act(&self, intent: &str, verb: &str, details: &Value) -> anyhow::Result<bool> {
        let url = format!("{}/control/intents/{intent}/{verb}", self.url);
        let answer = self.http.post(url).json(details).send().await.context("acting at the gateway")?;
        Ok(answer.status().is_success())
    }

    /// The intent of this reservation, if the gateway has heard of it.
    pub async fn intent_of(&self, reservation: &str) -> anyhow::Result<Option<Intent>> {
        let books = self.books().await?;
        Ok(books.intents.into_iter().rfind(|intent| intent.reservation_id.as_deref() == Some(reservation)))
    }
}

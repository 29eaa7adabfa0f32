//! A client's program: gives every wish a key, and asks the next node under the same key while it gets no answer.

use super::Balancer;
use crate::chaos::{pace, witness::Witness};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long one request is waited for: longer than the service itself waits for anything unasked.
const ANSWER_MAX: Duration = Duration::from_secs(8);
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// How long a wish without an answer is repeated.
const WISH_MAX: Duration = Duration::from_secs(25);
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// One thing that somebody wants.
pub(in super::super) struct Wish<'a> {
    pub method: Method,
    pub path: &'a str,
    pub body: Option<Value>,
    pub token: &'a str,
    /// Asks for an answer within so many seconds.
    pub prefer: Option<&'a str>,
    /// The version that was seen.
    pub seen: Option<&'a str>,
}

/// What came back.
#[derive(Debug)]
pub(in super::super) struct Answer {
    pub status: u16,
    pub body: Value,
}

/// Knows all nodes.
pub(in super::super) struct Client<'a> {
    http: reqwest::Client,
    nodes: Vec<String>,
    witness: &'a Witness,
    /// Chooses the node. A request that reached a node is not sent again.
    balancer: Option<&'a Balancer>,
}

/// One wish under its key, to be sent to this node or that.
pub(super) struct Asking<'a> {
    client: &'a Client<'a>,
    key: Uuid,
}

impl<'a> Wish<'a> {
    pub fn get(path: &'a str, token: &'a str) -> Self {
        Self { method: Method::GET, path, body: None, token, prefer: None, seen: None }
    }

    pub fn post(path: &'a str, token: &'a str, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path, token) }
    }

    pub fn delete(path: &'a str, token: &'a str) -> Self {
        Self { method: Method::DELETE, ..Self::get(path, token) }
    }
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn id(&self, name: &str) -> Uuid {
        self.body[name].as_str().and_then(|id| id.parse().ok()).unwrap_or_default()
    }

    /// Whether asking again under the same key may bring an answer.
    fn is_none_yet(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504) || self.code() == "idempotency-key-in-progress"
    }
}

impl<'a> Client<'a> {
    /// Asks one node after the other until one answers.
    pub fn new(nodes: Vec<String>, witness: &'a Witness) -> Self {
        // No connection is kept: a balancer would notice a dead one, and this client wouldn't.
        let http =
            reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).connect_timeout(CONNECT_MAX);
        let http = http.build().expect("an HTTP client without TLS of its own can be made");
        Self { http, nodes, witness, balancer: None }
    }

    /// Asks the node that the balancer chooses, and takes the first answer, also a refusal.
    pub fn behind(balancer: &'a Balancer, nodes: Vec<String>, witness: &'a Witness) -> Self {
        Self { balancer: Some(balancer), ..Self::new(nodes, witness) }
    }

    /// The answer of the first node that has one; `None` after a while.
    pub async fn ask(&self, wish: &Wish<'_>, first_node: usize) -> Option<Answer> {
        let asking = Asking { client: self, key: Uuid::now_v7() };
        if let Some(balancer) = self.balancer {
            return balancer.ask(&asking, wish, self.witness).await;
        }
        let (began, mut node) = (Instant::now(), first_node);
        while began.elapsed() < WISH_MAX {
            match asking.once(wish, node % self.nodes.len()).await {
                Ok(answer) if !answer.is_none_yet() => return Some(answer),
                Ok(answer) if answer.status == 500 => {
                    let detail = format!("{} {}: {}", wish.method, wish.path, answer.body);
                    self.witness.violation("answered_500", detail);
                }
                Ok(_) | Err(_) => {}
            }
            pace::pass(ASK_AGAIN).await;
            node += 1;
        }
        None
    }
}

impl Asking<'_> {
    /// Asks one node once.
    pub async fn once(&self, wish: &Wish<'_>, node: usize) -> Result<Answer, reqwest::Error> {
        let url = format!("{}{}", self.client.nodes[node], wish.path);
        let mut request = self.client.http.request(wish.method.clone(), url);
        request = request.bearer_auth(wish.token).timeout(ANSWER_MAX);
        if let Some(body) = &wish.body {
            request = request.header("idempotency-key", self.key.to_string()).json(body);
        }
        if let Some(prefer) = wish.prefer {
            request = request.header("prefer", prefer);
        }
        if let Some(seen) = wish.seen {
            request = request.header("if-match", format!("\"{seen}\""));
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok(Answer { status, body: serde_json::from_str(&text).unwrap_or_else(|_| json!(text)) })
    }
}

//! One request through the proxy, and its answer back.

use super::http_fault::{Fate, HttpFault};
use anyhow::{Context, bail};
use axum::body::{Body, Bytes, to_bytes};
use futures_util::stream;
use http::{Request, Response, header, request::Parts};
use hyper::body::Incoming;
use reqwest::{Client, redirect::Policy};
use std::{convert::Infallible, future::pending, time::Duration};
use tokio::time::sleep;

/// More than any request of ours.
const REQUEST_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(super) struct Exchange {
    http: Client,
    servers: Vec<String>,
    pub fate: Fate,
}

impl Exchange {
    pub fn new(servers: Vec<String>, fate: Fate) -> Self {
        // Fails only where a provider is installed already, and then that one does.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No connection is kept, so that none is found dead: only what was ordered goes wrong here.
        let http = Client::builder().no_proxy().redirect(Policy::none()).pool_max_idle_per_host(0);
        let http = http.build().expect("an HTTP client without TLS of its own can be made");
        Self { http, servers, fate }
    }

    /// Carries out one request with the fault that is drawn for it. An error closes the client's connection.
    pub async fn carry_out(&self, request: Request<Incoming>) -> anyhow::Result<Response<Body>> {
        let (head, body) = request.into_parts();
        let body = to_bytes(Body::new(body), REQUEST_BYTES_MAX).await.context("reading the request")?;
        match self.fate.draw() {
            None => Ok(unchanged(self.forward(&head, body).await?)),
            Some(HttpFault::DropBefore) => bail!("it is dropped"),
            Some(HttpFault::DropAfter) => {
                self.forward(&head, body).await?;
                bail!("its answer is dropped")
            }
            Some(HttpFault::Hang) => {
                let _answer = self.forward(&head, body).await?;
                pending().await
            }
            Some(HttpFault::Slow(pause)) => Ok(slow(self.forward(&head, body).await?, pause).await),
            Some(HttpFault::Twice) => {
                let first = self.forward(&head, body.clone()).await;
                let _ = self.forward(&head, body).await;
                Ok(unchanged(first?))
            }
            Some(HttpFault::Refuse(status)) => {
                Ok(Response::builder().status(status).body(Body::empty()).context("answering")?)
            }
        }
    }

    async fn forward(&self, head: &Parts, body: Bytes) -> anyhow::Result<reqwest::Response> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = head.headers.clone();
        for own in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
            headers.remove(own);
        }
        let first = self.fate.choose(self.servers.len());
        let mut failed = None;
        for server in self.servers.iter().cycle().skip(first).take(self.servers.len()) {
            let request = self.http.request(head.method.clone(), format!("{server}{path}"));
            match request.headers(headers.clone()).body(body.clone()).send().await {
                Err(error) if error.is_connect() => failed = Some(error),
                answered => return answered.context("forwarding a request"),
            }
        }
        Err(failed.context("no server")?).context("connecting to any server")
    }
}

/// The answer as it comes, however long.
fn unchanged(answer: reqwest::Response) -> Response<Body> {
    let (head, answer) = head(answer);
    let chunks = stream::unfold(answer, async |mut answer| match answer.chunk().await {
        Ok(Some(chunk)) => Some((Ok(chunk), answer)),
        Ok(None) => None,
        Err(error) => Some((Err(error), answer)),
    });
    head.map(|()| Body::from_stream(Box::pin(chunks)))
}

/// The answer byte by byte.
async fn slow(answer: reqwest::Response, pause: Duration) -> Response<Body> {
    let (head, answer) = head(answer);
    let bytes = answer.bytes().await.unwrap_or_default();
    let drops = stream::unfold(bytes, move |mut left| async move {
        if left.is_empty() {
            return None;
        }
        sleep(pause).await;
        let drop = left.split_to(1);
        Some((Ok::<_, Infallible>(drop), left))
    });
    head.map(|()| Body::from_stream(Box::pin(drops)))
}

fn head(answer: reqwest::Response) -> (Response<()>, reqwest::Response) {
    let mut head = Response::new(());
    *head.status_mut() = answer.status();
    *head.headers_mut() = answer.headers().clone();
    // The body is framed anew.
    head.headers_mut().remove(header::TRANSFER_ENCODING);
    head.headers_mut().remove(header::CONNECTION);
    (head, answer)
}

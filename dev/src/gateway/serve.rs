//! The server: connections, the worker, and an end that waits for both.

use super::{Config, Speak, simulator::Simulator, web, work};
use axum::{Router, body::Body};
use chrono::Utc;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};
use steps::gateway::standard_webhooks;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// The most connections at a time; the rest wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;
/// How long requests under way may take when the server ends; those that hang by script never would.
const DRAIN: Duration = Duration::from_secs(2);
/// The longest wait for a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the simulator ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The file of the books can't be opened, is not one, or can't be written any more.
    #[error("the gateway's books")]
    Books(#[source] io::Error),
    /// The listener is broken.
    #[error("the gateway's listener")]
    Listen(#[source] io::Error),
    /// A secret with which this protocol can't sign.
    #[error("a webhook secret")]
    Secret(#[source] standard_webhooks::BadSecret),
    /// The HTTP client for webhooks could not be made: rustls' crypto provider is not installed.
    #[error("making the HTTP client for webhooks")]
    Client(#[source] reqwest::Error),
}

/// A simulator with its books open, ready to take requests.
pub(super) struct Server {
    simulator: Arc<Simulator>,
    listener: TcpListener,
    client: reqwest::Client,
}

/// Serves until `shutdown` is ready, then lets requests under way end for two seconds.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    Server::open(config, listener)?.run(shutdown).await
}

impl Server {
    pub fn open(config: Config, listener: TcpListener) -> Result<Self, ServeError> {
        let provable = |secret: &String| standard_webhooks::sign("", b"", secret, Utc::now()).is_ok();
        if config.speak == Speak::Standard && !config.webhook_secrets.iter().all(provable) {
            return Err(ServeError::Secret(standard_webhooks::BadSecret));
        }
        let address = listener.local_addr().map_err(ServeError::Listen)?;
        let simulator = Simulator::new(config, format!("http://{address}"), CancellationToken::new());
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Config::WEBHOOK_TIMEOUT)
            .build()
            .map_err(ServeError::Client)?;
        Ok(Self { simulator: Arc::new(simulator.map_err(ServeError::Books)?), listener, client })
    }

    pub fn url(&self) -> &str {
        &self.simulator.url
    }

    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Self { simulator, listener, client } = self;
        let ending = simulator.shutdown.clone();
        let mut tasks = JoinSet::new();
        // Without its worker the simulator would answer, but settle and send nothing.
        let (worker, guard) = (work::run(Arc::clone(&simulator), client), ending.clone().drop_guard());
        tasks.spawn(async move {
            worker.await;
            drop(guard);
        });
        let router = web::router(Arc::clone(&simulator));
        let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut shutdown = pin!(shutdown);
        loop {
            while tasks.try_join_next().is_some() {}
            let permit = Arc::clone(&permits).acquire_owned();
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                () = ending.cancelled() => break,
                accepted = async { (permit.await, listener.accept().await) } => accepted,
            };
            match accepted {
                (Ok(permit), Ok((stream, _))) => {
                    let (router, ending) = (router.clone(), ending.clone());
                    tasks.spawn(async move {
                        connection(stream, router, ending).await;
                        drop(permit);
                    });
                }
                // Out of files, or the peer is gone already: neither is a reason to end, and both pass.
                (_, Err(error)) => {
                    tracing::warn!(error = %error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                (Err(_), _) => break,
            }
        }
        ending.cancel();
        // What still runs after the drain hangs by script.
        let _ = timeout(DRAIN, async { while tasks.join_next().await.is_some() {} }).await;
        tasks.shutdown().await;
        simulator.end_later().await;
        match simulator.take_failure() {
            Some(error) => Err(ServeError::Books(error)),
            None => Ok(()),
        }
    }
}

/// One connection until it closes: by the client, by the end of the server, or by script.
async fn connection(stream: TcpStream, router: Router, ending: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let inner = inner.clone();
        async move {
            let response: Result<_, Infallible> =
                hyper::service::Service::call(&inner, request.map(Body::new)).await;
            let Ok(response) = response;
            // An error makes hyper close the connection without a word, which is what is wanted.
            match response.extensions().get::<web::Abandoned>() {
                Some(abandoned) => Err(*abandoned),
                None => Ok(response),
            }
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "a connection ended early");
    }
}

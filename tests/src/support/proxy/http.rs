//! A proxy that knows HTTP requests: before a gateway, or before the nodes that take webhooks.

use super::{
    exchange::Exchange,
    http_fault::{Fate, HttpFault, Misbehaviour},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use std::sync::Arc;
use tokio::{net::TcpListener, task::JoinSet};
use tower::service_fn;

/// A running proxy; dropped, it ends with all its connections.
pub struct HttpProxy {
    url: String,
    exchange: Arc<Exchange>,
    _task: JoinSet<()>,
}

impl HttpProxy {
    /// A proxy before these servers. Each request goes to one of them, or to the next if nobody listens there.
    pub async fn before(servers: Vec<String>, seed: u64) -> Self {
        assert!(!servers.is_empty(), "a proxy stands before a server");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let exchange = Arc::new(Exchange::new(servers, Fate::of(seed)));
        let mut task = JoinSet::new();
        task.spawn(accept(listener, exchange.clone()));
        Self { url, exchange, _task: task }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sets how much goes wrong from now on. Requests that are under way are not touched.
    pub fn misbehave(&self, misbehaviour: Misbehaviour) {
        self.exchange.fate.set(misbehaviour);
    }

    /// Nothing goes wrong from now on.
    pub fn behave(&self) {
        self.misbehave(Misbehaviour::default());
    }

    /// Orders a fault for one of the next requests: the first order is for the first request.
    pub fn order(&self, fault: HttpFault) {
        self.exchange.fate.order(fault);
    }
}

async fn accept(listener: TcpListener, exchange: Arc<Exchange>) {
    let builder = Builder::new(TokioExecutor::new());
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let exchange = exchange.clone();
        let service = service_fn(move |request| {
            let exchange = exchange.clone();
            async move { exchange.carry_out(request).await }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let connection = connection.into_owned();
        // An error is a fault that closes the connection, or a client that left.
        connections.spawn(async move { drop(connection.await) });
        while connections.try_join_next().is_some() {}
    }
}

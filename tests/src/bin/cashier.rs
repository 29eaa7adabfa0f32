//! A node of the service for tests that kill it: it runs sagas and serves nobody.
//!
//! `cashier` reads the service's own variables, and `FAILPOINTS` as the crate `fail` reads them, where the action
//! `return` kills the process. It works until it is killed.

use service::{
    config::{self, Sources},
    node::Node,
};

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let _failpoints = fail::FailScenario::setup();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = config::load(&Sources::of_process(None))?.config;
    let _node = Node::open(config, true).await?;
    std::future::pending().await
}

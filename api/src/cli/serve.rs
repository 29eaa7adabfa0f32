//! `usher serve`: one node.

use super::{pool, signals};
use crate::site;
use anyhow::{Context, bail};
use clap::Args;
use service::{
    config::{Config, Loaded},
    jobs::Jobs,
    node::Node,
    outbox::{self, Outbox},
};
use std::{process::ExitCode, time::Duration};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a node goes on serving after it has said "not ready", so that load balancers notice first.
const NOTICE: Duration = Duration::from_secs(1);

/// At SIGTERM or Ctrl-C the node says "not ready", drains, and leaves within 25 s.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher serve                  an API and the sagas
  usher serve --no-lanes       an API only; other nodes run the sagas
  usher serve --no-http        sagas only")]
pub struct Serve {
    /// Run no sagas on this node
    #[arg(long, conflicts_with = "no_http")]
    no_lanes: bool,
    /// Serve no API on this node
    #[arg(long)]
    no_http: bool,
}

impl Serve {
    pub async fn run(self, loaded: Loaded) -> anyhow::Result<ExitCode> {
        check_migrations(&loaded.config).await?;
        let node = Node::open(loaded.config.clone(), !self.no_lanes).await?;
        if !self.no_lanes {
            tracing::info!(lanes = loaded.config.lanes.count, "running sagas");
        }
        let jobs = if self.no_lanes { None } else { Some(Jobs::start(&node.service).await?) };
        let outbox = if self.no_lanes {
            None
        } else {
            let (pool, handed) = (node.service.pool.clone(), node.service.handed.clone());
            Some(Outbox::start(pool, outbox::Settings::of(&loaded.config), handed)?)
        };
        let (leaving, stop) = (signals::leaving()?, CancellationToken::new());
        let serving = if self.no_http {
            None
        } else {
            let listen = loaded.config.http.listen;
            let listener = TcpListener::bind(listen).await.with_context(|| {
                format!("listening on {listen}; `USHER_HTTP_LISTEN` names another address")
            })?;
            tracing::info!(address = %listener.local_addr()?, "serving the API");
            Some(tokio::spawn(site::serve(node.service.clone(), listener, stop.clone())))
        };
        leaving.cancelled().await;
        tracing::info!("leaving: taking no new work, finishing what runs");
        node.service.begin_draining();
        if let Some(jobs) = jobs {
            jobs.stop().await;
        }
        let delivering = outbox.map(|outbox| tokio::spawn(outbox.stop()));
        if let Some(serving) = serving {
            tokio::time::sleep(NOTICE).await;
            stop.cancel();
            serving.await??;
        }
        if let Some(delivering) = delivering {
            delivering.await?;
        }
        node.drain().await;
        tracing::info!("left");
        Ok(ExitCode::SUCCESS)
    }
}

/// Refuses an older database. A node would fail on it in a hundred places; here it fails once and says what to do.
async fn check_migrations(config: &Config) -> anyhow::Result<()> {
    if !service::are_current(&pool(config).await?).await? {
        bail!("the database is older than this binary; run `usher migrate` first");
    }
    Ok(())
}

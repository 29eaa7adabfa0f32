//! `usher serve`: one node.

use crate::{
    config::Loaded,
    http::{self, App},
};
use anyhow::{Context, bail};
use clap::Args;
use std::{process::ExitCode, time::Duration};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

/// How long a node goes on serving after it has said "not ready", so that balancers hear of it first.
const NOTICE: Duration = Duration::from_secs(1);

/// SIGTERM and Ctrl-C: says "not ready", drains, and leaves within 25 s.
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
        let app = App::open(loaded.config.clone()).await?;
        if !crate::migrations::are_current(&app.pool).await? {
            bail!("the database is older than this binary; run `usher migrate` first");
        }
        let (leaving, stop) = (CancellationToken::new(), CancellationToken::new());
        tokio::spawn(heed_signals(leaving.clone())?);
        let serving = if self.no_http {
            None
        } else {
            let listen = loaded.config.http.listen;
            let listener = TcpListener::bind(listen).await.with_context(|| {
                format!("listening on {listen}; `USHER_HTTP_LISTEN` names another address")
            })?;
            tracing::info!(address = %listener.local_addr()?, "serving the API");
            Some(tokio::spawn(http::serve(app.clone(), listener, stop.clone())))
        };
        leaving.cancelled().await;
        tracing::info!("leaving: no new work, what runs may end");
        app.begin_draining();
        if let Some(serving) = serving {
            tokio::time::sleep(NOTICE).await;
            stop.cancel();
            serving.await??;
        }
        tracing::info!("left");
        Ok(ExitCode::SUCCESS)
    }
}

/// The first signal begins the leaving; the second one ends the process at once, as people expect of Ctrl-C.
fn heed_signals(leaving: CancellationToken) -> anyhow::Result<impl Future<Output = ()> + Send> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        leaving.cancel();
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        std::process::exit(130);
    })
}

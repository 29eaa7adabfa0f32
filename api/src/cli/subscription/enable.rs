//! `usher subscription enable <id>`

use super::super::{out, pool};
use anyhow::bail;
use clap::Args;
use service::{
    config::Config,
    outbox::{SubscriptionId, store::subscriptions},
};
use std::process::ExitCode;

/// A disabled subscription gets what is decided from now on, and what waited for it when it was disabled. A subscription
/// that rests after failures is tried at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher subscription enable 0199c0de-0000-7000-8000-000000000123")]
pub struct Enable {
    /// The subscription's id
    subscription: SubscriptionId,
}

impl Enable {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let id = self.subscription;
        if !subscriptions::enable(&mut *pool.acquire().await?, id).await? {
            bail!("there is no subscription {id}; `usher subscription list` shows them");
        }
        out::line(format_args!("messages are sent to subscription {id} again"));
        Ok(ExitCode::SUCCESS)
    }
}

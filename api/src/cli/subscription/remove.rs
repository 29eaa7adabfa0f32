//! `usher subscription remove <id>`

use super::super::{out, pool};
use anyhow::bail;
use clap::Args;
use serde_json::json;
use service::{
    config::Config,
    outbox::{
        SubscriptionId,
        store::{subscriptions, upkeep},
    },
};
use std::process::ExitCode;

/// Messages that still wait for it are dropped. Requests that are already sent may still arrive.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher subscription remove 0199c0de-0000-7000-8000-000000000123")]
pub struct Remove {
    /// The subscription's id
    subscription: SubscriptionId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Rows that one statement deletes.
const ROWS_MAX: i64 = 5_000;

impl Remove {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        let id = self.subscription;
        // First the subscription, so that nothing new comes for it. What a crash leaves behind leaves with its messages.
        if !subscriptions::delete(&mut connection, id).await? {
            bail!("there is no subscription {id}; `usher subscription list` shows them");
        }
        let mut dropped = 0;
        loop {
            let gone = upkeep::delete_of(&mut connection, id, ROWS_MAX).await?;
            dropped += gone;
            if gone < ROWS_MAX.unsigned_abs() {
                break;
            }
        }
        if self.json {
            out::json(&json!({"id": id, "dropped": dropped}))?;
        } else {
            out::line(format_args!(
                "subscription {id} is removed; messages that waited for it and were dropped: {dropped}"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

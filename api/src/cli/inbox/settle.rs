//! `usher inbox settle <event>… --reason …`

use super::{
    super::{by, out, pool},
    rows,
};
use clap::Args;
use operator::By;
use service::config::Config;
use std::process::ExitCode;
use steps::store::inbox;

/// Status 0: all of them are off the list; 1: some had been acted on already.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher inbox settle evt_3PqLs2LkdIwHu7ix1QbE3xQa --reason 'refunded by hand at the gateway'")]
pub struct Settle {
    /// The events' ids, as the sender named them
    #[arg(required = true)]
    events: Vec<String>,
    /// How it was dealt with; it is kept
    #[arg(long)]
    reason: String,
    /// Who you are
    #[arg(long, env = "USER", default_value = "unknown")]
    by: String,
}

impl Settle {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let By { actor, reason } = by::by(&self.by, &self.reason)?;
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        let mut all = true;
        for row in rows::find_all(&mut connection, &self.events).await? {
            let settled = match row.key() {
                Some(key) => inbox::mark_settled(&mut connection, &key, &actor, &reason).await?,
                None => false,
            };
            let became = if settled { "settled".to_owned() } else { format!("is already {}", row.state) };
            out::line(format_args!("{}/{}: {became}", row.provider, row.event_id));
            all &= settled;
        }
        Ok(if all { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

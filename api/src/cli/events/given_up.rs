//! `usher events resend <saga>`, `usher events drop <saga>`: messages that were given up.

use super::super::{out, pool};
use clap::Args;
use orchestrator::SagaId;
use service::{config::Config, outbox::store::upkeep};
use std::process::ExitCode;

/// Status 0: done; 1: nothing of that saga was given up.
#[derive(Debug, Args)]
#[command(after_help = "\
`usher events tail --failed` shows what was given up, and of which saga.")]
pub struct GivenUp {
    /// The saga whose messages are meant
    saga: SagaId,
    /// Only messages that were decided at this position of its journal
    #[arg(long)]
    position: Option<i32>,
}

impl GivenUp {
    pub async fn resend(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let count = upkeep::resend(&mut *pool.acquire().await?, self.saga, self.position).await?;
        Ok(print_result(count, "sent once more"))
    }

    pub async fn forget(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let count = upkeep::forget(&mut *pool.acquire().await?, self.saga, self.position).await?;
        Ok(print_result(count, "forgotten"))
    }
}

fn print_result(count: u64, what: &str) -> ExitCode {
    let deliveries = if count == 1 { "delivery is" } else { "deliveries are" };
    out::line(format_args!("{count} {deliveries} {what}"));
    ExitCode::from(u8::from(count == 0))
}

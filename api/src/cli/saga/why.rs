//! `usher saga why <id>`

use super::super::out;
use crate::{config::Config, node};
use clap::Args;
use orchestrator::SagaId;
use serde_json::json;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Why {
    /// The saga's id
    saga: SagaId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Why {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let seen = node::client(config).await?.operator().see(self.saga).await?;
        if self.json {
            out::json(&json!({
                "saga": self.saga,
                "line": seen.why.to_string(),
                "why": seen.why,
                "allowed": seen.allowed,
                "etag": seen.etag,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        out::line(&seen.why);
        let mut table = out::table(&["action", "allowed"]);
        for allowed in &seen.allowed {
            table.add_row([allowed.action, allowed.refused.as_deref().unwrap_or("yes")]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

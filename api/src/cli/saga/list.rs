//! `usher saga list`

use super::{
    super::{out, pool},
    rows,
};
use crate::config::Config;
use chrono::{SecondsFormat, Utc};
use clap::Args;
use orchestrator::State;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct List {
    /// Only those in this state: running, waiting, unwinding, completed, unwound or stuck
    #[arg(long)]
    state: Option<State>,
    /// Only those of this workflow
    #[arg(long)]
    workflow: Option<String>,
    /// How many, newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let state = self.state.map(State::as_str);
        let sagas =
            rows::list(&mut *pool.acquire().await?, state, self.workflow.as_deref(), self.limit).await?;
        if self.json {
            out::json(&sagas)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = out::table(&["saga", "workflow", "state", "started", "next look", "last error"]);
        for saga in sagas {
            let due = saga.due_at.map(|due| format!("{:+} s", (due - Utc::now()).num_seconds()));
            table.add_row([
                saga.id.to_string(),
                format!("{} v{}", saga.workflow, saga.version),
                if saga.paused { format!("{} (paused)", saga.state) } else { saga.state },
                saga.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                due.unwrap_or_default(),
                out::short(&saga.last_error.unwrap_or_default(), 60),
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

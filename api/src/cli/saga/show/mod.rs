//! `usher saga show <id>`

mod related;
mod timeline;

use super::super::{out, out::Tone, pool};
use anyhow::bail;
use chrono::Utc;
use clap::Args;
use operator::OperatorError;
use orchestrator::SagaId;
use service::{
    config::Config,
    node,
    operators::{self, SagaDetail, SagaView, words},
};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher saga show 01890a5d-ac96-774b-bcce-b302099a8057
  usher saga show 01890a5d-ac96-774b-bcce-b302099a8057 --json | jq '.timeline[] | select(.kind == \"ended\")'")]
pub struct Show {
    /// The saga's id
    saga: SagaId,
    /// As JSON, with every value in full
    #[arg(long)]
    json: bool,
}

impl Show {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let client = node::client(config).await?;
        let operator = operators::desk(&client, config);
        let detail = match operators::read_saga(&operator, &pool(config).await?, self.saga).await {
            Err(OperatorError::NotFound(saga)) => {
                bail!("there is no saga {saga}; a start that was refused at once leaves no row")
            }
            found => found?,
        };
        if self.json {
            out::json(&detail)?
        } else {
            print(&detail)
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(detail: &SagaDetail) {
    let saga = &detail.saga;
    head(saga);
    if !detail.stakes.is_empty() {
        out::line(format_args!("at stake: {}", out::paint(out::stakes(&detail.stakes), Tone::Strong)));
    }
    for label in &detail.labels {
        out::line(format_args!("{}: {}", out::clean(&label.name), out::clean(&label.value)));
    }
    timeline::print(detail);
    related::print(detail);
    let open = detail.allowed.iter().filter(|allowed| allowed.refused.is_none());
    let open: Vec<String> = open.map(|allowed| out::word(allowed.action)).collect();
    if !open.is_empty() {
        out::line(format_args!(
            "possible: {}; `usher saga why {}` says why the others are not",
            open.join(", "),
            saga.id
        ));
    }
}

fn head(saga: &SagaView) {
    let tone = words::state(&saga.state).map_or(Tone::Plain, super::tone::of);
    let state = out::paint(&saga.state, tone);
    let paused = if saga.paused { out::paint(", paused", Tone::Warn) } else { String::new() };
    out::line(format_args!(
        "saga {}  {} v{}  {state}{paused}",
        saga.id,
        out::clean(&saga.workflow),
        saga.version
    ));
    out::line(out::paint(&saga.line, Tone::Strong));
    if let Some(error) = &saga.last_error {
        out::line(format_args!("last error: {} (attempt {})", out::clean(error), saga.attempts));
    }
    let age = out::age(Utc::now() - saga.created_at);
    let node = saga.node.as_ref().map(|node| format!(", last by {}", out::clean(node))).unwrap_or_default();
    out::line(format_args!("started {} ({age} ago){node}", out::time(saga.created_at)));
    if let Some(due) = saga.due_at {
        out::line(format_args!("next look: {}", out::time(due)));
    }
    if let Some(trace) = &saga.trace {
        out::line(format_args!("trace: {}", out::clean(trace)));
    }
}

//! `usher inbox retry <event>…`, `usher inbox retry --all`

use super::{
    super::{out, pool},
    rows::{self, InboxRow, WAITING},
};
use anyhow::Context;
use clap::Args;
use serde_json::json;
use service::{
    config::Config,
    news::{self, Acted},
    node::Node,
};
use std::process::ExitCode;

/// The most rows of one run: each may cost a request to the gateway. Another run takes the rest.
const ROWS_MAX: i64 = 1000;

/// Status 0: all of them were acted on; 1: some still wait.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher inbox retry evt_3PqLs2LkdIwHu7ix1QbE3xQa    also after the day for which a node tries by itself
  usher inbox retry --all")]
pub struct Retry {
    /// The events' ids, as the sender named them
    #[arg(required_unless_present = "all")]
    events: Vec<String>,
    /// Take all webhooks that wait, oldest first, at most 1000
    #[arg(long, conflicts_with = "events")]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Retry {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let found = self.find(config).await?;
        let node = Node::open(config.clone(), false).await?;
        let mut outcomes = Vec::with_capacity(found.len());
        for row in found {
            outcomes.push((act(&node, &row).await, row));
        }
        node.drain().await;
        let done = outcomes.iter().all(|(outcome, _)| outcome == DONE);
        if self.json {
            let shown = outcomes.iter().map(|(outcome, row)| json!({"webhook": row, "outcome": outcome}));
            out::json(&shown.collect::<Vec<_>>())?;
        } else {
            let mut table = out::table(&["event", "kind", "outcome"]);
            for (outcome, row) in outcomes {
                let event = format!("{}/{}", row.provider, row.event_id);
                table.add_row([event, row.kind.unwrap_or_default(), outcome]);
            }
            out::line(table);
        }
        Ok(if done { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    async fn find(&self, config: &Config) -> anyhow::Result<Vec<InboxRow>> {
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        if self.all {
            return Ok(rows::list(&mut connection, &WAITING.map(str::to_owned), ROWS_MAX).await?);
        }
        rows::find_all(&mut connection, &self.events).await
    }
}

const DONE: &str = "done";

/// Acts on one webhook. Returns the outcome in a word or a sentence.
async fn act(node: &Node, row: &InboxRow) -> String {
    let acted = async {
        let fact = row.fact.clone().context("it reports nothing that we act on")?;
        let fact = serde_json::from_value(fact).context("its fact can't be read")?;
        let key = row.key().context("its bucket does not exist")?;
        let service = node.service.clone();
        // In a task of its own, as it asks for.
        let acting = tokio::spawn(async move { news::act(&service, &key, &fact).await });
        Ok::<_, anyhow::Error>(acting.await??)
    };
    match acted.await {
        Ok(Acted::Done) => DONE.to_owned(),
        Ok(other) => format!("{other:?}").to_lowercase(),
        Err(error) => format!("{error:#}"),
    }
}

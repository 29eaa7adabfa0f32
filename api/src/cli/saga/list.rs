//! `usher saga list`

use super::{
    super::{
        out,
        out::{Frame, Item, Tone},
    },
    filter_args::FilterArgs,
    tone,
};
use chrono::Utc;
use clap::Args;
use operator::{Listed, Operator};
use orchestrator::SagaId;
use service::{config::Config, node, operators, operators::ListedView};
use std::process::ExitCode;

/// Sagas of one table, if `--limit` is not given.
const LIMIT_DEFAULT: i64 = 50;
/// Sagas that one statement reads.
const PAGE: i64 = 500;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher saga list --trouble stuck                     what needs a person
  usher saga list --trouble owed --older-than 1h      compensations that are owed for long
  usher saga list --search ada@example.org            everything of one customer
  usher saga list --trouble stuck --watch             and what comes to be
  usher saga list --cause 3f…9a --ids | xargs -I{} usher saga act {} retry-now --reason 'the bank is back'")]
pub struct List {
    #[command(flatten)]
    which: FilterArgs,
    /// How many sagas to list, newest first [default: 50; with `--ids` all]
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    limit: Option<i64>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Only ids, one a line
    #[arg(long, conflicts_with = "json")]
    ids: bool,
    /// Look again every second until Ctrl-C; in a pipe, append what is new
    #[arg(long, conflicts_with_all = ["json", "ids"])]
    watch: bool,
}

impl List {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let operator = operators::desk(&node::client(config).await?, config);
        if self.watch {
            out::watch(async || Ok(frame(&self.sagas(&operator).await?))).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let sagas = self.sagas(&operator).await?;
        if self.ids {
            sagas.iter().for_each(|saga| out::line(saga.id));
        } else if self.json {
            out::json(&sagas.into_iter().map(ListedView::from).collect::<Vec<_>>())?;
        } else {
            out::line(table(&sagas));
            if sagas.len() as i64 == LIMIT_DEFAULT && self.limit.is_none() {
                out::line("there may be more: `--limit` shows more, `usher saga groups` counts them");
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn sagas(&self, operator: &Operator) -> anyhow::Result<Vec<Listed>> {
        let Some(filter) = self.which.filter(operator).await? else { return Ok(Vec::new()) };
        let limit = self.limit.unwrap_or(if self.ids { i64::MAX } else { LIMIT_DEFAULT });
        let mut sagas: Vec<Listed> = Vec::new();
        loop {
            let wanted = (limit - sagas.len() as i64).min(PAGE);
            let after: Option<SagaId> = sagas.last().map(|saga| saga.id);
            let page = operator.list(&filter, after, wanted).await?;
            let full = page.len() as i64 == wanted;
            sagas.extend(page);
            if !full || sagas.len() as i64 >= limit {
                return Ok(sagas);
            }
        }
    }
}

fn table(sagas: &[Listed]) -> comfy_table::Table {
    let mut table = out::table(&["saga", "workflow", "state", "why", "at stake", "age"]);
    for saga in sagas {
        let state = if saga.paused { format!("{} (paused)", saga.state) } else { saga.state.to_string() };
        table.add_row([
            out::cell(saga.id.to_string(), Tone::Plain),
            out::cell(format!("{} v{}", saga.workflow, saga.version), Tone::Plain),
            out::cell(state, tone::of(saga.state)),
            out::cell(&saga.line, if saga.trouble.is_some() { Tone::Strong } else { Tone::Plain }),
            out::cell(out::stakes(&saga.stakes), Tone::Plain),
            out::cell(out::age(Utc::now() - saga.created_at), Tone::Dim),
        ]);
    }
    table
}

fn frame(sagas: &[Listed]) -> Frame {
    let item = |saga: &Listed| Item {
        key: saga.id.to_string(),
        // The line tells how long ago things were. That changes all the time and is no news.
        version: format!("{} {}", saga.etag, saga.why),
        line: format!("{} {} {}", saga.id, saga.state, out::clean(&saga.line)),
    };
    let now = out::time(Utc::now());
    let screen = format!("{now}  {}, Ctrl-C to leave\n{}", out::count(sagas.len(), "saga"), table(sagas));
    Frame { screen, items: sagas.iter().map(item).collect(), over: false }
}

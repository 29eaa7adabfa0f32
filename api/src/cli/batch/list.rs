//! `usher batch list`, `usher batch show <id>`, `usher batch items <id>`

use super::{
    super::{out, out::Tone, outcome::refused},
    follow, shown,
};
use clap::Args;
use operator::{BatchId, BatchItem, ItemResult, Operator};
use service::operators::{BatchView, ItemView, words};
use std::process::ExitCode;

/// Items that one statement reads.
const PAGE: i64 = 200;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher batch list
  usher batch list --ids | head -1")]
pub struct List {
    /// How many batches to list, newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=200))]
    limit: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Only ids, one a line
    #[arg(long, conflicts_with = "json")]
    ids: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Status: 0 it was told (with `--watch`: and every saga is mended), 1 with `--watch` something went wrong, 2 it could not be told.

Examples:
  usher batch show 01890a5d-ac96-774b-bcce-b302099a8057
  usher batch show 01890a5d-ac96-774b-bcce-b302099a8057 --watch")]
pub struct Show {
    /// The batch's id
    id: BatchId,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Watch it to its end
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher batch items 01890a5d-ac96-774b-bcce-b302099a8057 --result stuck-again
  usher batch items 01890a5d-ac96-774b-bcce-b302099a8057 --result refused --ids | xargs -I{} usher saga why {}")]
pub struct Items {
    /// The batch's id
    id: BatchId,
    #[arg(long, value_parser = words::result,
        help = format!("Only those with this result: {}", words::listed(&words::RESULTS, ItemResult::as_str)))]
    result: Option<ItemResult>,
    /// How many items to list, in order [default: all]
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: Option<i64>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Only the sagas' ids, one a line
    #[arg(long, conflicts_with = "json")]
    ids: bool,
}

impl List {
    pub async fn run(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        let batches = operator.batches(None, self.limit).await?;
        if self.ids {
            batches.iter().for_each(|batch| out::line(batch.id));
            return Ok(ExitCode::SUCCESS);
        }
        if self.json {
            out::json(&batches.into_iter().map(BatchView::from).collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table =
            out::table(&["batch", "state", "action", "sagas", "waiting", "mended", "asked by", "made"]);
        for batch in batches {
            table.add_row([
                out::cell(batch.id.to_string(), Tone::Plain),
                out::cell(out::word(batch.state.as_str()), shown::tone_of(batch.state)),
                out::cell(out::word(batch.action.name()), Tone::Strong),
                out::cell(batch.items.to_string(), Tone::Plain),
                out::cell(batch.results.waiting.to_string(), Tone::Plain),
                out::cell(batch.results.mended.to_string(), Tone::Plain),
                out::cell(batch.actor, Tone::Plain),
                out::cell(out::time(batch.created_at), Tone::Dim),
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    pub async fn run(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        if self.watch {
            return follow::to_its_end(operator, self.id).await;
        }
        match operator.batch(self.id).await {
            Ok(batch) if self.json => out::json(&BatchView::from(batch))?,
            Ok(batch) => shown::print(&batch),
            Err(error) => return refused(error),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Items {
    pub async fn run(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        operator.batch(self.id).await?;
        let items = self.all(operator).await?;
        if self.ids {
            items.iter().for_each(|item| out::line(item.saga));
            return Ok(ExitCode::SUCCESS);
        }
        if self.json {
            out::json(&items.into_iter().map(ItemView::from).collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = out::table(&["#", "saga", "result", "why", "acted on"]);
        for item in items {
            table.add_row([
                out::cell(item.number.to_string(), Tone::Dim),
                out::cell(item.saga.to_string(), Tone::Plain),
                out::cell(out::word(item.result.as_str()), tone_of(item.result)),
                out::cell(out::short(&item.why.unwrap_or_default(), 200), Tone::Plain),
                out::cell(item.acted_at.map(out::time).unwrap_or_default(), Tone::Dim),
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }

    async fn all(&self, operator: &Operator) -> anyhow::Result<Vec<BatchItem>> {
        let most = self.limit.unwrap_or(i64::MAX);
        let mut items: Vec<BatchItem> = Vec::new();
        loop {
            let wanted = (most - items.len() as i64).min(PAGE);
            let after = items.last().map(|item| item.number);
            let page = operator.batch_items(self.id, self.result, after, wanted).await?;
            let full = page.len() as i64 == wanted;
            items.extend(page);
            if !full || items.len() as i64 >= most {
                return Ok(items);
            }
        }
    }
}

fn tone_of(result: ItemResult) -> Tone {
    match result {
        ItemResult::Mended => Tone::Good,
        ItemResult::Acted => Tone::Plain,
        ItemResult::Waiting => Tone::Dim,
        ItemResult::Refused => Tone::Warn,
        ItemResult::StuckAgain | ItemResult::Failed => Tone::Bad,
    }
}

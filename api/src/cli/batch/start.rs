//! `usher batch start <filter> <action> --reason …`

use super::{
    super::{
        by, out,
        out::Tone,
        outcome::{REFUSED, WAITS, refused},
        saga::{ActionArgs, FilterArgs},
    },
    follow, shown,
};
use anyhow::bail;
use clap::Args;
use operator::{BatchId, BatchPreview, BatchState, NewBatch, Operator};
use service::operators::{BatchPreviewView, BatchView};
use std::{
    io::{BufRead, IsTerminal, Write},
    process::ExitCode,
};

/// Sagas of the sample that are shown.
const SHOWN: usize = 5;

#[derive(Debug, Args)]
#[command(after_help = "\
Status: 0 it is made (with `--watch`: and every saga is mended); 1 nothing matches, it was refused or not wanted, or
with `--watch` something went wrong; 2 it was called wrongly, or could not be told; 3 it waits for a second person.

Examples:
  usher batch start --trouble owed retry-now --reason 'the bank is back' --preview
  usher batch start --cause 3f…9a retry-now --reason 'the bank is back' --watch
  usher batch start --cause 3f…9a write-off --reason 'settled with the bank' --yes --canary 10 --stop-at 0.05")]
pub struct Start {
    #[command(flatten)]
    which: FilterArgs,
    #[command(subcommand)]
    action: ActionArgs,
    /// Why; it is kept in the audit
    #[arg(long, global = true, default_value = "")]
    reason: String,
    /// Who you are
    #[arg(long, global = true, env = "USER", default_value = "unknown")]
    by: String,
    /// How many sagas go first
    #[arg(long, global = true, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    canary: u32,
    /// Stop if a larger share of a round ends badly, from 0 to 1
    #[arg(long, global = true, default_value_t = 0.2, value_name = "SHARE", value_parser = share)]
    stop_at: f64,
    /// The batch's id, a UUIDv7 that you choose: the same id again makes no second batch
    #[arg(long, global = true, value_parser = drawn)]
    id: Option<BatchId>,
    /// Only show which sagas it would act on
    #[arg(long, global = true)]
    preview: bool,
    /// Don't ask before it begins
    #[arg(long, short, global = true)]
    yes: bool,
    /// Watch it to its end; the batch goes on without you
    #[arg(long, global = true)]
    watch: bool,
    /// As JSON
    #[arg(long, global = true, conflicts_with = "watch")]
    json: bool,
}

impl Start {
    pub async fn run(self, operator: &Operator) -> anyhow::Result<ExitCode> {
        let by = if self.preview { by::by_for_preview } else { by::by }(&self.by, &self.reason)?;
        let Some(filter) = self.which.filter(operator).await? else {
            out::line("nothing matches");
            return Ok(ExitCode::from(REFUSED));
        };
        let mut new = NewBatch::new(filter, self.action.0, by);
        (new.canary, new.stop_at_error_rate) = (self.canary, self.stop_at);
        let preview = match operator.preview_batch(&new).await {
            Ok(preview) => preview,
            Err(error) => return refused(error),
        };
        if self.preview {
            if self.json {
                out::json(&BatchPreviewView::from(preview))?
            } else {
                show(&preview, &new)
            }
            return Ok(ExitCode::SUCCESS);
        }
        if preview.count == 0 {
            out::line("nothing matches");
            return Ok(ExitCode::from(REFUSED));
        }
        if !self.json {
            show(&preview, &new);
        }
        if !self.yes && !agreed()? {
            out::line("nothing was done");
            return Ok(ExitCode::from(REFUSED));
        }
        let batch = match operator.start_batch(self.id.unwrap_or_else(BatchId::random), new).await {
            Ok(batch) => batch,
            Err(error) => return refused(error),
        };
        let awaits = batch.state == BatchState::AwaitingConsent;
        if self.json {
            out::json(&BatchView::from(batch))?;
        } else if self.watch && !awaits {
            return follow::to_its_end(operator, batch.id).await;
        } else {
            shown::print(&batch);
        }
        Ok(ExitCode::from(if awaits { WAITS } else { 0 }))
    }
}

/// Prints which sagas the batch would act on.
fn show(preview: &BatchPreview, new: &NewBatch) {
    let more = if preview.capped { "more than " } else { "" };
    let count = format!("{more}{}", out::count(preview.count as usize, "saga"));
    out::line(format_args!("`{}` on {}", out::word(new.action.name()), out::paint(count, Tone::Strong)));
    if !preview.stakes.is_empty() {
        out::line(format_args!("at stake: {}", out::paint(out::stakes(&preview.stakes), Tone::Strong)));
    }
    for saga in preview.sample.iter().take(SHOWN) {
        out::line(format_args!("  {}  {}", saga.id, out::clean(&saga.line)));
    }
    if preview.count > SHOWN as i64 {
        out::line(format_args!("  … and {} more", preview.count - SHOWN as i64));
    }
    let (canary, share) = (new.canary, new.stop_at_error_rate * 100.0);
    out::line(format_args!("{canary} go first; the batch stops if more than {share} % of a round end badly"));
    if preview.second_person {
        out::line(out::paint("a second person must agree: usher batch consent", Tone::Warn));
    }
}

/// Asks on a terminal. Without a terminal nobody could answer.
fn agreed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() || !out::on_terminal() {
        bail!("there is no terminal to ask on: add `--yes`");
    }
    let mut ask = std::io::stdout();
    write!(ask, "do it? [y/N] ")?;
    ask.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn share(text: &str) -> Result<f64, &'static str> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("a share is a number from 0 to 1")
}

/// Batches are listed in the order of their ids, so an id must tell the time.
fn drawn(text: &str) -> Result<BatchId, &'static str> {
    let id = text.parse::<uuid::Uuid>().ok().filter(|id| id.get_version_num() == 7);
    id.map(BatchId::from_uuid).ok_or("a batch's id is a UUIDv7")
}

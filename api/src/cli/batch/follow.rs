//! Watching a batch: a bar on a terminal, a line for each change elsewhere. The batch knows nothing of it: nodes work on
//! it, and go on when nobody watches.

use super::shown::{print, results, went_wrong};
use crate::cli::{out, outcome::REFUSED, signals};
use chrono::Utc;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use operator::{Batch, BatchId, BatchState, Operator};
use std::{process::ExitCode, time::Duration};

/// How often the batch is read: as often as a person would look.
const EVERY: Duration = Duration::from_millis(500);

/// Watches until nothing more happens by itself, or Ctrl-C.
pub async fn to_its_end(operator: &Operator, id: BatchId) -> anyhow::Result<ExitCode> {
    let leaving = signals::leaving()?;
    let bar = bar();
    let mut said = String::new();
    let batch = loop {
        let batch = operator.batch(id).await?;
        show(&batch, &bar, &mut said);
        if !batch.state.under_way() {
            break batch;
        }
        if leaving.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            bar.finish_and_clear();
            out::line(format_args!("the batch goes on without you; to look at it: usher batch show {id}"));
            return Ok(ExitCode::SUCCESS);
        }
    };
    bar.finish_and_clear();
    print(&batch);
    Ok(ExitCode::from(if went_wrong(&batch) { REFUSED } else { 0 }))
}

fn bar() -> ProgressBar {
    if !out::on_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").expect("the template is right");
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
    bar.with_style(style)
}

/// Moves the bar; where there is no bar, prints a line for what is new.
fn show(batch: &Batch, bar: &ProgressBar, said: &mut String) {
    let words = format!("{}: {}", out::word(batch.state.as_str()), results(batch));
    bar.set_length(batch.items.unsigned_abs().into());
    bar.set_position((batch.items - batch.results.waiting).unsigned_abs().into());
    bar.set_message(words.clone());
    if bar.is_hidden() && *said != words && batch.state != BatchState::Done {
        out::line(format_args!("{} {words}", out::time(Utc::now())));
        *said = words;
    }
}

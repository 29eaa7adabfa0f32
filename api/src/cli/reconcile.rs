//! `usher reconcile`

use super::{moment::Moment, out, pool};
use anyhow::{Context, ensure};
use chrono::{SecondsFormat, TimeDelta};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use service::clock::now;
use service::operators::span;
use service::{
    config::Config,
    node,
    reconcile::{Options, ReconcileError, Report, Walk},
};
use std::process::ExitCode;
use steps::Money;

/// Status 0: the books agree; 1: they differ; 2: it could not be told.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher reconcile --since 24h                                  the last day
  usher reconcile --since 2026-03-01T00:00:00Z --until 2026-04-01T00:00:00Z --json
  usher reconcile --since 7d --dry-run                         look, and open no cases

What changed in the last quarter of an hour, or is still worked on, is in flight and no difference. A run that breaks
off says where; the next one begins there. Each class has a section in docs/operating.md.")]
pub struct Reconcile {
    /// Where to begin: a time, or how long ago (`24h`, `7d`)
    #[arg(long, value_name = "WHEN")]
    since: Moment,
    /// Where to end [default: now]
    #[arg(long, value_name = "WHEN", default_value = "0s", hide_default_value = true)]
    until: Moment,
    /// What changed less than this long ago counts as in flight
    #[arg(long, value_name = "SPAN", default_value = "15m", value_parser = span)]
    settled_after: TimeDelta,
    /// Only compare: open and resolve no cases
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let gateway = node::gateway(&config.gateway)?;
        let pool = pool(config).await?;
        let now = now(&mut *pool.acquire().await?).await?;
        let (since, until) = (self.since.from(now), self.until.from(now).min(now));
        ensure!(since < until, "`--since` must be before `--until`");
        let options = Options { since, until, settled_after: self.settled_after, write_cases: !self.dry_run };
        let mut walk = Walk::begin(pool, gateway, options).await?;
        let ended = through(&mut walk, &progress(&options)).await;
        if self.json {
            out::json(walk.report())?;
        } else {
            print(walk.report());
        }
        ended.with_context(|| {
            let reached = walk.report().reached.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("the books were compared until {reached}; go on with `--since {reached}`")
        })?;
        Ok(if walk.report().differing() == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

async fn through(walk: &mut Walk, progress: &ProgressBar) -> Result<(), ReconcileError> {
    walk.prepare().await?;
    while walk.slice().await? {
        let report = walk.report();
        progress.set_position((report.reached - report.since).num_seconds().unsigned_abs());
        let (compared, differing) = (report.compared, report.differing());
        progress.set_message(format!("payments: {compared} compared, {differing} different"));
    }
    walk.finish().await?;
    progress.finish_and_clear();
    Ok(())
}

/// A bar on standard error, if that is a terminal; otherwise nothing is drawn.
fn progress(options: &Options) -> ProgressBar {
    let bar = ProgressBar::new((options.until - options.since).num_seconds().unsigned_abs());
    let style = ProgressStyle::with_template("{wide_bar} {percent} %  {msg}  {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print(report: &Report) {
    let mut table = out::table(&["class", "payments", "ours", "gateway's"]);
    for sum in &report.classes {
        table.add_row([
            sum.class.to_string(),
            sum.count.to_string(),
            Money::new(sum.ours_minor, sum.currency).to_string(),
            Money::new(sum.theirs_minor, sum.currency).to_string(),
        ]);
    }
    out::line(table);
    for difference in &report.differences {
        out::line(format_args!("{} {}: {}", difference.class, difference.reference, difference.what));
        out::line(format_args!("    {}", difference.safe_action));
    }
    if report.truncated {
        out::line("… there are more: `usher case list` shows all of them");
    }
    if report.cases_vanished > 0 {
        let cases = out::count(report.cases_vanished as usize, "case");
        out::line(format_args!("{cases} resolved: the books agree there now"));
    }
}

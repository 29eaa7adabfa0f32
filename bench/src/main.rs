//! The benchmark: what a booking costs as a saga, and what the same rows would cost as plain SQL.
//!
//! The picture: three contenders sell seats on the same private Postgres, one after another and several times, each
//! round in a fresh copy of one database. The *engine* runs the booking workflow unchanged. The two *floors* are
//! hand-written SQL that leaves the same rows and knows nothing of crashes, deadlines or money: one statement to
//! reserve and one to confirm, and the same for a batch. Absolute figures are the machine's; the ratios are ours.
//!
//! What it deliberately does not do: HTTP, webhooks, contention for one seat.

mod check;
mod cpu;
mod load;
mod meter;
mod report;
mod round;
mod sale;
mod servers;
mod tally;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use report::Report;
use round::{Contender, Round};
use servers::Servers;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Measures what sagas cost on this machine.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Sells seats through the saga engine, and the same by plain SQL, side by side.
    #[command(after_help = EXAMPLES)]
    Engine(Options),
}

const EXAMPLES: &str = "Examples:
  cargo run --release -p bench -- engine
  cargo run --release -p bench -- engine --seconds 10 --json figures.json
  cargo run --release -p bench -- engine --seconds 5 --rounds 1 --in-flight 1    (a lone saga's latency)

It starts its own PostgreSQL (fsync on) and Redis in a folder under /var/tmp and removes them again.
bench/README.md says how to read the figures.";

/// How to measure.
#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// Seconds that each round measures, after a warm-up of two seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,

    /// Rounds of each contender; the median counts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,

    /// Sagas that the engine has in flight at once; a new one starts when one is at rest.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=4096))]
    in_flight: u32,

    /// Lanes of the engine; its own default if left out.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    lanes: Option<u32>,

    /// Seats made for each second of a round. Raise it if a fast machine sells out.
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    seats_per_second: u32,

    /// Measure this contender alone, as when profiling it.
    #[arg(long, value_enum, conflicts_with = "json")]
    only: Option<Contender>,

    /// Also write the figures to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// As in the binary that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let What::Engine(options) = Cli::parse().what;
    tokio::select! {
        measured = measure(&options) => measured,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted.context("waiting for Ctrl-C")?;
            anyhow::bail!("interrupted; nothing was measured")
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let progress = progress(options);
    progress.set_message("starting PostgreSQL and Redis, filling 64 events");
    let servers = Servers::start().await?;
    let seats = Arc::new(sale::prepare(&servers, options.seats()).await?);

    let mut report = Report::default();
    for number in 1..=options.rounds {
        // The contenders take turns, so that other load on the machine affects all of them.
        for contender in options.contenders() {
            let title = format!("round {number} of {}, {}", options.rounds, contender.name());
            let round = Round { contender, options, servers: &servers, seats: &seats, progress: &progress };
            report.add(contender, round.run(&title).await.with_context(|| title.clone())?);
        }
    }
    progress.finish_and_clear();
    println!("{}", report.table(options));
    if let Some(file) = &options.json {
        report.write_json(file)?;
    }
    Ok(())
}

impl Options {
    fn contenders(&self) -> Vec<Contender> {
        Contender::ALL
            .into_iter()
            .filter(|contender| self.only.is_none_or(|only| only == *contender))
            .collect()
    }

    fn window(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    /// Enough seats that no contender sells out, with those that are sold in the warm-up.
    fn seats(&self) -> usize {
        (self.seconds as usize + round::WARM_UP.as_secs() as usize) * self.seats_per_second as usize
    }
}

/// A bar on stderr, only if that is a terminal. A step of it is a tenth of a second of a round.
fn progress(options: &Options) -> ProgressBar {
    let rounds = u64::from(options.rounds) * options.contenders().len() as u64;
    let length = rounds * round::ticks(options.window());
    let style = ProgressStyle::with_template("{bar:30} {elapsed}/{duration} {msg}")
        .expect("the template is a constant that was tried");
    let progress = ProgressBar::new(length).with_style(style);
    progress.enable_steady_tick(Duration::from_millis(500));
    progress
}

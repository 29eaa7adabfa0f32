//! `usher-chaos`: chaos from seeds, and rolling restarts, for as long as one likes.
//!
//! It starts itself for its nodes: called as `usher-chaos usher …`, it is the program `usher`.

use anyhow::Context;
use clap::Parser;
use std::{io::Write, path::PathBuf, process::ExitCode, time::Duration};
use tests::chaos::{self, Options, Outcome, Rolling};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
Examples:
  usher-chaos --seed 7                      one minute of faults, then what came of it
  usher-chaos --seed 7 --minutes 30         a long run
  usher-chaos --seeds 1..50 --minutes 1     fifty seeds, one after the other, and one table
  usher-chaos --seed 7 --json | jq .        what came of it, for a program
  usher-chaos --rolling 100                 a hundred SIGTERMs to two nodes in turn, under load

Standard error tells what happens while it happens, standard output what came of it. Timeline, logs, and rows and journals of
what is not at rest are kept of every run that was not good, or was stopped by Ctrl-C.

Status: 0 all is well; 1 something is not; 2 it was called wrongly, or could not run.";

/// Lets everything go wrong at once on three nodes, then looks whether all comes right by itself.
#[derive(Debug, Parser)]
#[command(name = "usher-chaos", after_help = EXAMPLES)]
struct Args {
    /// What everything is drawn from
    #[arg(long, value_name = "NUMBER", default_value_t = 1, conflicts_with = "seeds")]
    seed: u64,
    /// Many seeds, the last included
    #[arg(long, value_name = "FIRST..LAST", value_parser = range)]
    seeds: Option<(u64, u64)>,
    /// In place of chaos, so many SIGTERMs to two nodes in turn, under load
    #[arg(long, value_name = "SIGTERMS", conflicts_with_all = ["seed", "seeds", "minutes"])]
    rolling: Option<usize>,
    /// How long faults strike for each seed
    #[arg(long, value_name = "MINUTES", default_value_t = 1.0, value_parser = minutes)]
    minutes: f64,
    /// What came of it as one line of JSON
    #[arg(long)]
    json: bool,
    /// Where timeline and logs of bad runs are kept
    #[arg(long, value_name = "FOLDER", default_value = "target/chaos")]
    keep: PathBuf,
}

fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let mut words = std::env::args_os();
    let program = words.next();
    let ran = match (runtime, words.next()) {
        (Err(error), _) => Err(anyhow::Error::from(error)),
        (Ok(runtime), Some(word)) if word == "usher" => {
            let usher = api::cli::Cli::parse_from([word].into_iter().chain(words));
            runtime.block_on(api::cli::run(usher))
        }
        (Ok(runtime), word) => {
            let args = Args::parse_from(program.into_iter().chain(word).chain(words));
            runtime.block_on(run(args))
        }
    };
    ran.unwrap_or_else(|error| {
        chaos::say(&format!("usher-chaos: {error:#}"));
        ExitCode::from(2)
    })
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let program = std::env::current_exe().context("finding this program's own file")?;
    let stop = CancellationToken::new();
    let interrupted = stop.clone();
    let listening = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            chaos::say("stopping: the timeline is kept");
            interrupted.cancel();
        }
    });
    let (is_good, printed) = match args.rolling {
        Some(terms) => {
            roll(&args, Rolling { program, terms, is_loud: true, keep: args.keep.clone(), stop }).await?
        }
        None => seeds(&args, program, stop).await?,
    };
    listening.abort();
    writeln!(std::io::stdout(), "{}", printed.trim_end())?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// One seed after the other: whether all were good, and what is printed.
async fn seeds(args: &Args, program: PathBuf, stop: CancellationToken) -> anyhow::Result<(bool, String)> {
    let (first, last) = args.seeds.unwrap_or((args.seed, args.seed));
    let mut outcomes = Vec::new();
    for seed in (first..=last).take_while(|_| !stop.is_cancelled()) {
        let options = Options {
            program: program.clone(),
            seed,
            length: Duration::from_secs_f64(args.minutes * 60.0),
            is_loud: true,
            keep: args.keep.clone(),
            stop: stop.clone(),
        };
        let outcome = chaos::run(&options).await.with_context(|| format!("running seed {seed}"))?;
        chaos::say(&outcome.verdict());
        outcomes.push(outcome);
    }
    let printed = if args.json { serde_json::to_string(&outcomes)? } else { chaos::table(&outcomes) };
    Ok((outcomes.iter().all(Outcome::is_good), printed))
}

async fn roll(args: &Args, rolling: Rolling) -> anyhow::Result<(bool, String)> {
    let rolled = chaos::roll(&rolling).await?;
    let printed = if args.json { serde_json::to_string(&rolled)? } else { rolled.story() };
    Ok((rolled.is_good(), printed))
}

fn range(text: &str) -> Result<(u64, u64), String> {
    let (first, last) = text.split_once("..").ok_or("two numbers with `..` between them")?;
    let number = |text: &str| {
        text.trim_start_matches('=').parse::<u64>().map_err(|_| format!("`{text}` is no number"))
    };
    let (first, last) = (number(first)?, number(last)?);
    if first <= last { Ok((first, last)) } else { Err("the first is above the last".to_owned()) }
}

fn minutes(text: &str) -> Result<f64, String> {
    /// Less time than this is too short for faults; more than a day is a typing error.
    const BOUNDS: std::ops::RangeInclusive<f64> = 0.2..=1440.0;
    let minutes: f64 = text.parse().map_err(|_| format!("`{text}` is no number"))?;
    if BOUNDS.contains(&minutes) { Ok(minutes) } else { Err("0.2 to 1440 minutes".to_owned()) }
}

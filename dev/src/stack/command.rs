//! `usher dev` itself: starts everything, shows four bookings, serves until told to stop, and stops everything.

use super::deployed::Deployed;
use super::folder::Folder;
use super::stage::{Servers, Stage};
use super::{demo, trouble};
use anyhow::bail;
use std::path::PathBuf;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Runs everything on this machine: PostgreSQL, Redis, a simulated payment gateway, a node; and shows it at work.
#[derive(Clone, Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DevArgs {
    #[command(subcommand)]
    then: Option<Then>,
    /// Leave after the demonstration; status 0 only if every booking ended as it must.
    #[arg(long)]
    exit: bool,
    /// Empty the data folder first.
    #[arg(long)]
    reset: bool,
    /// Start and serve without booking anything.
    #[arg(long, conflicts_with = "exit")]
    no_demo: bool,
    /// In place of the demonstration make one saga of every way not to move, to look at and to repair.
    #[arg(long, conflicts_with = "no_demo")]
    with_trouble: bool,
    /// Where the data are kept [default: .usher; for root a place that the servers' user can reach].
    #[arg(long, env = "USHER_DATA_DIR", value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Use this PostgreSQL and not a private one.
    #[arg(long, env = "USHER_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Use this Redis and not a private one.
    #[arg(long, env = "USHER_REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<String>,
}

/// What is asked of a stack that runs.
#[derive(Clone, Debug, clap::Subcommand)]
enum Then {
    /// Mend the code and the bank of `--with-trouble`
    Mend(trouble::Mend),
    /// Run another command with the code that a file says is deployed
    #[command(hide = true)]
    Deployed(Deployed),
}

impl DevArgs {
    /// The command that is to be run in this one's place, if it is of that kind.
    pub fn deployed(&self) -> Option<&Deployed> {
        match &self.then {
            Some(Then::Deployed(deployed)) => Some(deployed),
            Some(Then::Mend(_)) | None => None,
        }
    }
}

/// Runs until Ctrl-C or SIGTERM, or with `--exit` until the demonstration is over.
///
/// # Errors
/// Something could not be started, or ended and could not be kept running.
pub async fn run(args: DevArgs) -> anyhow::Result<ExitCode> {
    match args.then {
        Some(Then::Mend(mend)) => return mend.run().await,
        Some(Then::Deployed(_)) => {
            bail!("`deployed` runs another command, which must not be `deployed` itself")
        }
        None => {}
    }
    let mut signals = StopSignals::listen()?;
    let folder = Folder::open(args.data_dir.as_deref())?;
    if args.reset {
        folder.empty()?;
    }
    let servers = Servers { database_url: args.database_url.clone(), redis_url: args.redis_url.clone() };
    let stage = tokio::select! {
        stage = Stage::set(folder, servers, args.with_trouble) => stage?,
        () = signals.wait() => return Ok(ExitCode::SUCCESS), // What was started is dropped, and so stopped.
    };
    let played = tokio::select! {
        played = play(&args, &stage) => played,
        error = stage.broken() => Err(error),
        () = signals.wait() => Ok(!args.exit), // With `--exit` the demonstration was cut short.
    };
    println!("\nstopping: the node finishes what it has begun, then the gateway and the servers stop");
    tokio::select! {
        struck = stage.strike() => struck?,
        () = signals.wait() => println!("stopping at once; what is unfinished goes on at the next start"),
    }
    Ok(if played? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// True if all went well. Without `--exit` it ends only by being dropped, so a failure there is told and kept.
async fn play(args: &DevArgs, stage: &Stage) -> anyhow::Result<bool> {
    if args.with_trouble {
        trouble::make(stage).await?;
        if !args.exit {
            demo::invite(stage).await?;
            trouble::when_asked_to_mend(stage).await?;
        }
        return Ok(true);
    }
    let all_well = args.no_demo || demo::run(stage).await?;
    if !args.exit {
        demo::invite(stage).await?;
        std::future::pending::<()>().await;
    }
    Ok(all_well)
}

/// Ctrl-C and SIGTERM.
struct StopSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

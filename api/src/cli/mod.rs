//! The command line: one file a command. It prints what people read to standard output, as a table or, where a
//! machine may want it, as JSON, and keeps standard error for what went wrong.

mod audit;
mod batch;
mod by;
mod case;
mod completions;
mod config;
mod database;
mod events;
mod inbox;
mod logging;
mod migrate;
mod moment;
mod out;
mod outcome;
mod proposal;
mod reconcile;
mod saga;
mod serve;
mod signals;
mod subscription;
mod token;
mod venue;
mod verify;

use clap::{Parser, Subcommand};
use database::pool;
use dev::gateway;
use service::{config::Sources, node::Workflows};
use std::{path::PathBuf, process::ExitCode};

/// Durable sagas for bookings: reserve, pay, confirm; all of it or nothing, whatever crashes.
#[derive(Debug, Parser)]
#[command(name = "usher", version, after_help = EXAMPLES)]
pub struct Cli {
    /// The configuration file [default: `usher.toml` in the working directory, if there is one]
    #[arg(long, global = true, env = "USHER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// When to print in colour [auto: on a terminal, unless `NO_COLOR` is set]
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    color: out::When,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  usher migrate                                       bring the database up to date
  usher serve                                         serve the API and run sagas
  usher serve --no-http                               run sagas only
  usher token create --role customer --name Ada --email ada@example.org
  usher venue generate theatre                        put a theatre of 500 seats on sale
  usher saga list --status stuck                      what needs a person
  usher saga show 01890a5d-ac96-774b-bcce-b302099a8057
  usher saga why 01890a5d-ac96-774b-bcce-b302099a8057
  usher saga act 01890a5d-ac96-774b-bcce-b302099a8057 retry-now --reason 'the gateway is back' --preview
  usher inbox list                                    webhooks that nobody could act on yet
  usher subscription add https://example.org/hooks     tell a URL what was decided
  usher events tail --follow                          watch what is told
  usher reconcile --since 24h                         compare the last day's payments with the gateway's books
  usher case list                                     what differed, and what to do about it
  usher verify                                        check every invariant; status 1 if one is broken
  usher config                                        every setting and where it came from
  usher dev --exit                                    see it work, from nothing

Status: 0 it is done and all is well; 1 it was refused, or something was found; 2 it was called wrongly, or it could not be told;
3 it waits for a second person.

Every setting can be given by the environment: USHER_LANES_COUNT=4 sets `lanes.count`.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API and run sagas
    Serve(serve::Serve),
    /// Bring the database up to date
    Migrate(migrate::Migrate),
    /// Make tokens
    #[command(subcommand)]
    Token(token::Token),
    /// Put events on sale, and list them
    #[command(subcommand)]
    Venue(venue::VenueCommand),
    /// Look at sagas, and repair them
    #[command(subcommand)]
    Saga(saga::Saga),
    /// Do something to many sagas at once, carefully
    #[command(subcommand)]
    Batch(batch::Batches),
    /// Agree to what another person proposed, or decline it
    #[command(subcommand)]
    Proposal(proposal::Proposals),
    /// Read and check what was done by hand
    #[command(subcommand)]
    Audit(audit::Audit),
    /// Look at webhooks, and act again on those that wait
    #[command(subcommand)]
    Inbox(inbox::Inbox),
    /// Manage who is told what was decided
    #[command(subcommand)]
    Subscription(subscription::Subscription),
    /// See the messages to the outside
    #[command(subcommand)]
    Events(events::Events),
    /// Compare our books with the gateway's, and open a case for each difference
    Reconcile(reconcile::Reconcile),
    /// Look at differences between our books and the gateway's, and settle them
    #[command(subcommand)]
    Case(case::Case),
    /// Check every invariant; changes nothing
    Verify(verify::Verify),
    /// Print every setting and where it came from
    Config(config::Config),
    /// Print a script with which a shell completes our commands
    Completions(completions::Completions),
    /// Simulate a payment gateway
    Gateway(gateway::Args),
    /// Run everything on this machine and show it at work
    Dev(dev::stack::DevArgs),
}

/// Runs one command to its end.
///
/// # Errors
/// What went wrong, and what to do about it.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let (cli, workflows) = deployed(cli);
    out::set_colour(cli.color);
    // It needs no configuration, and must not fail if the configuration is wrong.
    let command = match cli.command {
        Command::Completions(command) => return Ok(command.run()),
        command => command,
    };
    let mut loaded = service::config::load(&Sources::of_process(cli.config))?;
    if let Some(workflows) = workflows {
        loaded.config.workflows = workflows;
    }
    logging::begin(&loaded.config.log, matches!(command, Command::Serve(_) | Command::Gateway(_)))?;
    for variable in &loaded.ignored {
        tracing::warn!(variable, "this variable has no effect; `usher config` lists the keys");
    }
    match command {
        Command::Serve(command) => command.run(loaded).await,
        Command::Migrate(command) => command.run(&loaded.config).await,
        Command::Token(command) => command.run(&loaded.config).await,
        Command::Saga(command) => command.run(&loaded.config).await,
        Command::Batch(command) => command.run(&loaded.config).await,
        Command::Proposal(command) => command.run(&loaded.config).await,
        Command::Audit(command) => command.run(&loaded.config).await,
        Command::Inbox(command) => command.run(&loaded.config).await,
        Command::Subscription(command) => command.run(&loaded.config).await,
        Command::Events(command) => command.run(&loaded.config).await,
        Command::Reconcile(command) => command.run(&loaded.config).await,
        Command::Case(command) => command.run(&loaded.config).await,
        Command::Verify(command) => command.run(&loaded.config).await,
        Command::Venue(command) => {
            let pool = pool(&loaded.config).await?;
            venue::run(command, &mut *pool.acquire().await?).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(command) => command.run(&loaded),
        Command::Completions(command) => Ok(command.run()),
        Command::Gateway(args) => {
            let leaving = signals::leaving()?;
            gateway::run(args, async move { leaving.cancelled().await }).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Dev(args) => dev::stack::run(args).await,
    }
}

/// The command that is run in the end: the demonstration runs some commands with workflows of its own.
fn deployed(cli: Cli) -> (Cli, Option<Workflows>) {
    match &cli.command {
        Command::Dev(args) => match args.deployed() {
            Some(deployed) => {
                let (workflows, line) = deployed.clone().deploy();
                (Cli::parse_from(line), Some(workflows))
            }
            None => (cli, None),
        },
        _ => (cli, None),
    }
}

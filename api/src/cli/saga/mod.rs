//! `usher saga list`, `groups`, `show <id>`, `why <id>`, `act <id> <action>`: the work-lists, one saga, and repairing it.

mod act;
mod action_args;
mod filter_args;
mod groups;
mod list;
mod show;
mod tone;
mod why;

pub(super) use action_args::ActionArgs;
pub(super) use filter_args::FilterArgs;

use clap::Subcommand;
use service::config::Config;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Saga {
    /// List sagas, newest first, each with why it is where it is
    List(list::List),
    /// Group sagas by what went wrong: how many there are, what is at stake, and what to try first
    Groups(groups::Groups),
    /// Show one saga with its timeline
    Show(show::Show),
    /// Tell why a saga is where it is, and what can be done about it
    Why(why::Why),
    /// Repair a saga
    Act(act::Act),
}

impl Saga {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(config).await,
            Self::Groups(command) => command.run(config).await,
            Self::Show(command) => command.run(config).await,
            Self::Why(command) => command.run(config).await,
            Self::Act(command) => command.run(config).await,
        }
    }
}

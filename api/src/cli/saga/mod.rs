//! `usher saga list`, `usher saga show <id>`, `usher saga why <id>`, `usher saga act <id> <action>`

mod act;
mod list;
mod rows;
mod show;
mod why;

use super::out::Tone;
use crate::config::Config;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Saga {
    /// The newest sagas
    List(list::List),
    /// One saga with its timeline
    Show(show::Show),
    /// Why a saga is where it is, and what can be done about it
    Why(why::Why),
    /// Put a saga right
    Act(act::Act),
}

impl Saga {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(config).await,
            Self::Show(command) => command.run(config).await,
            Self::Why(command) => command.run(config).await,
            Self::Act(command) => command.run(config).await,
        }
    }
}

/// How a state is coloured.
pub(super) fn tone_of(state: &str) -> Tone {
    match state {
        "stuck" => Tone::Bad,
        "unwinding" => Tone::Warn,
        "completed" | "unwound" => Tone::Good,
        _ => Tone::Plain,
    }
}

//! `usher saga list`, `usher saga show <id>`

mod list;
mod rows;
mod show;

use crate::config::Config;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Saga {
    /// The newest sagas
    List(list::List),
    /// One saga with its timeline
    Show(show::Show),
}

impl Saga {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(config).await,
            Self::Show(command) => command.run(config).await,
        }
    }
}

//! `usher events tail`

mod failed;
mod tail;

use crate::config::Config;
use clap::Subcommand;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Events {
    /// What the outside is told, one line a message
    Tail(tail::Tail),
}

impl Events {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Tail(command) = self;
        command.run(config).await
    }
}

//! `usher events tail`, `usher events resend <saga>`, `usher events drop <saga>`

mod failed;
mod given_up;
mod tail;

use clap::Subcommand;
use service::config::Config;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Events {
    /// What the outside is told, one line a message
    Tail(tail::Tail),
    /// Try once more to deliver a saga's messages that were given up
    Resend(given_up::GivenUp),
    /// Be done with a saga's messages that were given up
    Drop(given_up::GivenUp),
}

impl Events {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Tail(command) => command.run(config).await,
            Self::Resend(command) => command.resend(config).await,
            Self::Drop(command) => command.forget(config).await,
        }
    }
}

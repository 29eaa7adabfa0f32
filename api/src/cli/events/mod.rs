//! `usher events tail`, `usher events resend <saga>`, `usher events drop <saga>`

mod failed;
mod given_up;
mod tail;

use clap::Subcommand;
use service::config::Config;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print messages to the outside, one a line
    Tail(tail::Tail),
    /// Try once more to deliver messages of a saga that were given up
    Resend(given_up::GivenUp),
    /// Forget messages of a saga that were given up
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

//! `usher inbox list`, `usher inbox show <event>`, `usher inbox retry <event>`: webhooks that were stored, above all
//! those that nobody could act on yet.

mod list;
mod retry;
mod rows;
mod settle;
mod show;

use clap::Subcommand;
use service::config::Config;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Inbox {
    /// Webhooks that wait to be acted on, or that nobody can act on
    List(list::List),
    /// One webhook with its fact and its body
    Show(show::Show),
    /// Try again to act on waiting webhooks
    Retry(retry::Retry),
    /// Say that a waiting webhook is dealt with, so that it is off the list; moves no money
    Settle(settle::Settle),
}

impl Inbox {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(config).await,
            Self::Show(command) => command.run(config).await,
            Self::Retry(command) => command.run(config).await,
            Self::Settle(command) => command.run(config).await,
        }
    }
}

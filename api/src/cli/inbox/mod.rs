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
    /// List webhooks that wait to be acted on, or that cannot be acted on
    List(list::List),
    /// Show one webhook with its fact and its body
    Show(show::Show),
    /// Act on waiting webhooks once more
    Retry(retry::Retry),
    /// Mark a waiting webhook as dealt with, which takes it off the list; moves no money
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

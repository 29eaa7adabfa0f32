//! `usher subscription add <url>`, `list`, `enable <id>`, `remove <id>`

mod add;
mod enable;
mod list;
mod remove;

use clap::Subcommand;
use service::config::Config;
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Subscription {
    /// Send what is decided from now on to a URL
    Add(add::Add),
    /// List who is told of what, and how well that works
    List(list::List),
    /// Send again to a subscription that was disabled, or that rests after failures
    Enable(enable::Enable),
    /// Remove a subscription for good
    Remove(remove::Remove),
}

impl Subscription {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::Add(command) => command.run(config).await,
            Self::List(command) => command.run(config).await,
            Self::Enable(command) => command.run(config).await,
            Self::Remove(command) => command.run(config).await,
        }
    }
}

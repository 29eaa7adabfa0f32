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
    /// Tell a URL what was decided, from now on
    Add(add::Add),
    /// Who is told of what, and how well that goes
    List(list::List),
    /// Send again to one that was disabled, or is being left alone
    Enable(enable::Enable),
    /// Send nothing more to one, for good
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

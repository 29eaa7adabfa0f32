//! `usher batch start|list|show|items|pause|resume|cancel|consent`: one action on many sagas.

mod follow;
mod list;
mod shown;
mod start;
mod steer;

use clap::Subcommand;
use service::{
    config::Config,
    node,
    operators::{self, BatchMove},
};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum Batches {
    /// Do something to many sagas: to a few first, then to more and more, stopping if too much goes wrong
    Start(start::Start),
    /// Batches, newest first
    List(list::List),
    /// One batch, and how far it is
    Show(list::Show),
    /// The sagas of a batch, and what came of each
    Items(list::Items),
    /// Begin with no further saga
    Pause(steer::Steer),
    /// Go on after a pause, or after it stopped by itself
    Resume(steer::Steer),
    /// End it, or say no to it; what was done stays done
    Cancel(steer::Steer),
    /// Agree to it, as a second person
    Consent(steer::Steer),
}

impl Batches {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let operator = operators::desk(&node::client(config).await?, config);
        match self {
            Self::Start(command) => command.run(&operator).await,
            Self::List(command) => command.run(&operator).await,
            Self::Show(command) => command.run(&operator).await,
            Self::Items(command) => command.run(&operator).await,
            Self::Pause(command) => command.run(&operator, BatchMove::Pause).await,
            Self::Resume(command) => command.run(&operator, BatchMove::Resume).await,
            Self::Cancel(command) => command.run(&operator, BatchMove::Cancel).await,
            Self::Consent(command) => command.run(&operator, BatchMove::Consent).await,
        }
    }
}

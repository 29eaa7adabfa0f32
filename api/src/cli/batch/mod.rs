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
    /// Do one action to many sagas: to a few first, then to more and more; it stops if too much goes wrong
    Start(start::Start),
    /// List batches, newest first
    List(list::List),
    /// Show one batch and its progress
    Show(list::Show),
    /// List the sagas of a batch with the result of each
    Items(list::Items),
    /// Pause a batch: no further saga is begun
    Pause(steer::Steer),
    /// Go on with a batch that was paused, or that stopped by itself
    Resume(steer::Steer),
    /// End a batch, or decline it; what was done stays done
    Cancel(steer::Steer),
    /// Agree to a batch, as a second person
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

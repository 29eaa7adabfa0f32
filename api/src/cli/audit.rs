//! `usher audit verify`

use super::{out, pool};
use crate::config::Config;
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// A chain is broken.
const BROKEN: u8 = 1;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check that no row of the audit was changed, taken away or put in later; status 1 if one was
    Verify(Verify),
}

#[derive(Debug, Args)]
pub struct Verify {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Self::Verify(command) = self;
        let pool = pool(config).await?;
        let verified = orchestrator::audit::verify(&mut *pool.acquire().await?).await?;
        if command.json {
            out::json(&verified)?;
        } else {
            for found in &verified.breaks {
                out::line(format_args!("bucket {}, row {}: {}", found.bucket, found.seq, found.why));
            }
            let (rows, unchained, broken) = (verified.rows, verified.unchained, verified.breaks.len());
            out::line(format_args!(
                "{rows} rows in chains, {broken} chains broken, {unchained} rows in no chain"
            ));
        }
        Ok(ExitCode::from(if verified.breaks.is_empty() { 0 } else { BROKEN }))
    }
}

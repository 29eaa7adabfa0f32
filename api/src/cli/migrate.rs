//! `usher migrate`

use super::out;
use crate::config::Config;
use anyhow::Context;
use secrecy::ExposeSecret;
use std::process::ExitCode;

/// Brings both schemas up to date.
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    crate::migrations::migrate(config.database.url.expose_secret())
        .await
        .context("bringing the database up to date")?;
    out::line("the database is up to date");
    Ok(ExitCode::SUCCESS)
}

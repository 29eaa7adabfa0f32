//! Log lines go to standard error, so that what a command prints can be piped.

use anyhow::Context;
use service::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Begins to write log lines. Commands that people run by hand log only what went wrong.
pub fn begin(log: &Log, service: bool) -> anyhow::Result<()> {
    let filter = if service { &log.filter } else { "warn" };
    let filter = EnvFilter::try_new(filter).context("reading `log.filter`")?;
    let lines = fmt::layer().with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).try_init().context("setting up the log")
}

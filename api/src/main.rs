//! The `usher` binary: sets the process up and hands over to [`api::cli`].

use api::cli::{Cli, run};
use clap::Parser;
use std::{io::Write, process::ExitCode};

/// Sagas are many small values for a short time; this allocator spends a fifth less on them than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything opens a connection: the HTTP client has no TLS of its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    ended.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "usher: {error:#}");
        ExitCode::from(2)
    })
}

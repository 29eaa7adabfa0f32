//! A child command that runs to its end and prints something.

use anyhow::{Context, ensure};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A migration of a large database may take minutes; nothing else here does.
const COMMAND_MAX: Duration = Duration::from_secs(300);

/// Runs it and gives what it printed.
///
/// # Errors
/// It could not be started, failed (with what it said), or took more than five minutes.
pub(super) async fn run(mut command: Command) -> anyhow::Result<String> {
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let name = format!("`usher {}`", words.join(" "));
    command.stdin(Stdio::null());
    let mut command = tokio::process::Command::from(command);
    let output = tokio::time::timeout(COMMAND_MAX, command.kill_on_drop(true).output()).await;
    let output = output.with_context(|| format!("{name} took more than {COMMAND_MAX:?}"))?;
    let output = output.with_context(|| format!("starting {name}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed ({}):\n{printed}{said}", output.status);
    Ok(printed)
}

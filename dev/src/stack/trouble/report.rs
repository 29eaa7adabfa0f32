//! What was made: a table for people, a file for programs, and a file with what commands must know.

use super::super::stage::Stage;
use super::kinds::{Ends, Trouble};
use super::make::command;
use anyhow::Context;
use serde::Serialize;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A saga in trouble, as the table and the file show it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TroubledSaga {
    /// What it is in.
    kind: &'static str,
    /// The saga's id.
    saga: String,
    /// Why it is where it is.
    line: String,
    /// Where to look.
    console: String,
    /// What repairs it, once the code and the bank are mended.
    command: String,
    /// How it ends then.
    ends: Ends,
}

impl TroubledSaga {
    pub fn new(stage: &Stage, trouble: &Trouble, saga: String, line: String) -> Self {
        let console = format!("{}/console/sagas/{saga}", stage.commands.node_url());
        let command = command(trouble, &saga);
        Self { kind: trouble.kind, saga, line, console, command, ends: trouble.ends }
    }
}

/// Prints the table and writes the files.
pub(super) fn publish(stage: &Stage, sagas: &[TroubledSaga]) -> anyhow::Result<()> {
    let (json, environment) = (stage.folder().join("trouble.json"), stage.folder().join("env"));
    write(&json, &serde_json::to_string_pretty(sagas)?)?;
    write(&environment, &exports(stage))?;
    println!("\n-- in trouble");
    for one in sagas {
        println!("\n   {:<20} {}", one.kind, one.saga);
        println!("   {:<20} {}", "", one.line);
        println!("   {:<20} {}", "", one.console);
        println!("   {:<20} {}", "", one.command);
    }
    println!(
        r#"
-- to repair them
   . {environment}     # in another shell: where the database and the gateway are
   usher saga list --state stuck
   usher dev mend --data-dir {folder}     # the code is mended, the bank is back; then the commands above
   the same as JSON: {json}"#,
        environment = environment.display(),
        folder = stage.folder().display(),
        json = json.display(),
    );
    Ok(())
}

fn exports(stage: &Stage) -> String {
    // Values are ours: URLs, keys and paths, none of which has a quote.
    let variables = stage.commands.environment();
    let mut text: String =
        variables.iter().map(|(name, value)| format!("export {name}='{value}'\n")).collect();
    // What is planned is what the node would do, so the planner must know the node's workflows.
    if let Some(code) = stage.commands.code() {
        text.push_str(&format!("usher() {{ command usher dev deployed '{}' \"$@\"; }}\n", code.display()));
    }
    text
}

/// Writes a file that only we may read, because there are keys in it.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("writing `{}`", path.display()))
}

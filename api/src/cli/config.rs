//! `usher config`

use super::out;
use clap::Args;
use service::config::Loaded;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Config {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Config {
    pub fn run(self, loaded: &Loaded) -> anyhow::Result<ExitCode> {
        if self.json {
            out::json(&loaded.entries)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = out::table(&["key", "value", "from", "for"]);
        for entry in &loaded.entries {
            table.add_row([entry.key, &entry.value, &entry.source, entry.about]);
        }
        out::line(table);
        for variable in &loaded.ignored {
            out::line(format_args!("{variable} has no effect: no configuration key has that name"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

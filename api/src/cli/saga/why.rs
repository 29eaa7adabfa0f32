//! `usher saga why <id>`

use super::super::{out, out::Tone};
use clap::Args;
use orchestrator::SagaId;
use serde_json::json;
use service::{
    config::Config,
    node,
    operators::{self, action_row},
};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher saga why 01890a5d-ac96-774b-bcce-b302099a8057
  usher saga why 01890a5d-ac96-774b-bcce-b302099a8057 --json | jq -r .line")]
pub struct Why {
    /// The saga's id
    saga: SagaId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Why {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let seen = operators::desk(&node::client(config).await?, config).see(self.saga).await?;
        if self.json {
            out::json(&json!({
                "saga": self.saga,
                "line": seen.why.line(seen.now),
                "why": seen.why,
                "allowed": seen.allowed,
                "etag": seen.etag,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        out::line(out::paint(seen.why.line(seen.now), Tone::Strong));
        let mut table = out::table(&["action", "allowed"]);
        let yes = || out::cell("yes", Tone::Good);
        let mut refused: Vec<(&str, Vec<&str>)> = Vec::new();
        for allowed in &seen.allowed {
            let word = action_row(allowed.action).word;
            let Some(why) = &allowed.refused else {
                table.add_row([out::cell(word, Tone::Plain), yes()]);
                continue;
            };
            match refused.iter_mut().find(|(reason, _)| reason == why) {
                Some((_, words)) => words.push(word),
                None => refused.push((why, vec![word])),
            }
        }
        for (why, words) in refused {
            table.add_row([out::cell(words.join(", "), Tone::Dim), out::cell(why, Tone::Dim)]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

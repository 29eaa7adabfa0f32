//! `usher saga show <id>`

use super::{
    super::{out, pool},
    rows::{self, EntryRow, LetterRow, SagaRow},
};
use crate::config::Config;
use anyhow::bail;
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use orchestrator::SagaId;
use serde::Serialize;
use serde_json::Value;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Show {
    /// The saga's id
    saga: SagaId,
    /// As JSON, with every value in full
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Whole {
    saga: SagaRow,
    timeline: Vec<EntryRow>,
    letters: Vec<LetterRow>,
}

impl Show {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        let Some(saga) = rows::find(&mut connection, self.saga).await? else {
            bail!("there is no saga {}; one that was refused at once leaves no row", self.saga);
        };
        let timeline = rows::entries(&mut connection, self.saga).await?;
        let letters = rows::letters(&mut connection, self.saga).await?;
        let whole = Whole { saga, timeline, letters };
        if self.json {
            out::json(&whole)?
        } else {
            print(&whole)
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print(whole: &Whole) {
    let saga = &whole.saga;
    out::line(format_args!("saga {}  {} v{}  {}", saga.id, saga.workflow, saga.version, saga.state));
    if let Some(stuck) = &saga.stuck {
        out::line(format_args!("stuck: {stuck}"));
    }
    if let Some(error) = &saga.last_error {
        out::line(format_args!("last error: {error} (attempt {})", saga.attempts));
    }
    if let Some(due) = saga.due_at {
        out::line(format_args!("next look: {}", time(due)));
    }
    let mut table = out::table(&["#", "time", "what", "step", "details"]);
    for entry in &whole.timeline {
        let (what, step, details) = words(&entry.kind, &entry.body);
        table.add_row([
            entry.position.to_string(),
            time(entry.written_at),
            what,
            step,
            out::short(&details, 100),
        ]);
    }
    out::line(table);
    for letter in &whole.letters {
        out::line(format_args!(
            "letter {}  {} `{}` from `{}`",
            time(letter.received_at),
            letter.kind,
            letter.name,
            letter.sender
        ));
    }
}

/// An entry in words: what happened, to which step, and the rest.
fn words(kind: &str, body: &Value) -> (String, String, String) {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let json = |key: &str| body.get(key).map(Value::to_string).unwrap_or_default();
    match kind {
        "begun" => ("begun".into(), String::new(), json("input")),
        "started" => ("started".into(), text("step"), json("input")),
        "ended" => {
            let outcome = &body["outcome"];
            let pivot = body["pivot"].as_bool().unwrap_or_default();
            match (outcome.get("done"), outcome.get("rejected")) {
                (_, Some(rejected)) => ("refused".into(), text("step"), rejected.to_string()),
                (done, None) => (
                    if pivot { "done, decided".into() } else { "done".into() },
                    text("step"),
                    done.map(Value::to_string).unwrap_or_default(),
                ),
            }
        }
        "waiting" => ("waiting".into(), text("signal"), format!("until {}", text("until"))),
        "received" => {
            ("received".into(), text("signal"), format!("from {}: {}", text("sender"), json("payload")))
        }
        "deadline_passed" => ("deadline passed".into(), text("signal"), String::new()),
        "value" => ("value".into(), String::new(), json("recall")),
        "turned_back" => ("turned back".into(), String::new(), json("cause")),
        "undo_started" => ("undo started".into(), format!("of #{}", json("of")), String::new()),
        "undo_ended" => ("undone".into(), format!("of #{}", json("of")), json("undo")),
        "returned" => ("returned".into(), String::new(), json("output")),
        other => (other.into(), String::new(), body.to_string()),
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

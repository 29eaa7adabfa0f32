//! `usher subscription list`

use super::super::{out, pool};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use serde_json::json;
use service::{
    config::Config,
    outbox::store::subscriptions::{self, Subscription},
};
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher subscription list
  usher subscription list --json | jq '.[] | select(.state != \"well\")'")]
pub struct List {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let all = subscriptions::list(&mut *pool.acquire().await?).await?;
        if self.json {
            let shown: Vec<_> = all
                .iter()
                .map(|one| {
                    json!({
                        "id": one.id, "url": one.url, "types": one.types, "state": state(one), "created_at": one.created_at,
                        "since": one.since, "failures": one.failures, "failing_since": one.failing_since,
                        "retry_at": one.retry_at, "last_error": one.last_error, "disabled_at": one.disabled_at,
                        "disabled_because": one.disabled_because,
                    })
                })
                .collect();
            out::json(&shown)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = out::table(&["subscription", "url", "types", "state", "since", "what is wrong"]);
        for one in &all {
            let types = if one.types.is_empty() { "all".to_owned() } else { one.types.join(" ") };
            let since = one.disabled_at.or(one.failing_since).unwrap_or(one.created_at);
            let wrong = one.disabled_because.as_ref().or(one.last_error.as_ref());
            table.add_row([
                one.id.to_string(),
                one.url.clone(),
                types,
                state(one).to_owned(),
                time(since),
                out::short(wrong.map_or("", String::as_str), 80),
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

fn state(one: &Subscription) -> &'static str {
    match (one.disabled_at, one.failures) {
        (Some(_), _) => "disabled",
        (None, 0) => "well",
        (None, _) => "failing",
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

//! `usher inbox list`

use super::{
    super::{out, pool},
    rows::{self, InboxRow, WAITING},
};
use chrono::Utc;
use clap::Args;
use service::config::Config;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct List {
    /// Only webhooks in this state [default: those that wait, PENDING and UNMATCHED]
    #[arg(long, value_parser = ["PENDING", "UNMATCHED", "APPLIED", "IGNORED"], ignore_case = true)]
    state: Option<String>,
    /// How many webhooks to list, oldest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let states = match self.state {
            Some(state) => vec![state.to_uppercase()],
            None => WAITING.map(str::to_owned).to_vec(),
        };
        let pool = pool(config).await?;
        let found = rows::list(&mut *pool.acquire().await?, &states, self.limit).await?;
        if self.json {
            out::json(&found)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table =
            out::table(&["event", "kind", "state", "age", "amount", "payment", "reference", "variants"]);
        for row in found {
            let age = Utc::now() - row.received_at;
            table.add_row([
                format!("{}/{}", row.provider, out::short(&row.event_id, 40)),
                row.kind.clone().unwrap_or_default(),
                row.state.clone(),
                format!("{} s", age.num_seconds()),
                amount(&row),
                row.payment_id.map(|id| id.to_string()).unwrap_or_default(),
                row.gateway_reference.unwrap_or_default(),
                row.variants.to_string(),
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

/// The amount that a webhook is about, if it names one.
pub fn amount(row: &InboxRow) -> String {
    match (row.amount_minor, &row.currency) {
        (Some(minor), Some(currency)) => out::money(minor, currency),
        _ => String::new(),
    }
}

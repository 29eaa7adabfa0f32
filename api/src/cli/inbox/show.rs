//! `usher inbox show <event>`

use super::{
    super::{out, pool},
    list::amount,
    rows,
};
use anyhow::bail;
use clap::Args;
use serde_json::json;
use service::config::Config;
use std::process::ExitCode;

/// Bodies hold what the gateway knows of customers, so they are shown here and nowhere else.
#[derive(Debug, Args)]
pub struct Show {
    /// The sender's id of the event, such as `evt_…`
    event: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        let found = rows::find(&mut connection, &self.event).await?;
        if found.is_empty() {
            bail!("there is no webhook `{}`; `usher inbox list` lists those that wait", self.event);
        }
        let mut shown = Vec::with_capacity(found.len());
        for row in found {
            let bodies = rows::bodies(&mut connection, &row).await?;
            let bodies: Vec<_> =
                bodies.iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect();
            if self.json {
                shown.push(json!({"webhook": row, "bodies": bodies}));
                continue;
            }
            let mut table = out::table(&["webhook", ""]);
            for (name, value) in [
                ("event", format!("{}/{}", row.provider, row.event_id)),
                ("state", row.state.clone()),
                ("kind", row.kind.clone().unwrap_or_default()),
                ("payment", row.payment_id.map(|id| id.to_string()).unwrap_or_default()),
                ("reference", row.gateway_reference.clone().unwrap_or_default()),
                ("amount", amount(&row)),
                ("received", row.received_at.to_rfc3339()),
                ("acted on", row.applied_at.map(|at| at.to_rfc3339()).unwrap_or_default()),
            ] {
                table.add_row([name, &value]);
            }
            out::line(table);
            for (number, body) in bodies.iter().enumerate() {
                out::line(if number == 0 { "Body, as it was signed:" } else { "Another body under its id:" });
                out::line(body);
            }
        }
        if self.json {
            out::json(&shown)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

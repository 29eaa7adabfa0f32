//! `usher audit list`, `usher audit verify`

use super::{out, out::Tone, pool};
use clap::{Args, Subcommand};
use operator::audit;
use orchestrator::SagaId;
use service::{
    config::Config,
    operators::{AuditView, audited_as},
};
use std::process::ExitCode;

/// A chain is broken.
const BROKEN: u8 = 1;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// List what was done by hand, latest first
    List(List),
    /// Check that no row of the audit was changed, removed or inserted later; exits with status 1 if one was
    Verify(Verify),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usher audit list --saga 01890a5d-ac96-774b-bcce-b302099a8057
  usher audit list --by ada --action write-off --json")]
pub struct List {
    /// Only actions on this saga, or on this batch itself
    #[arg(long)]
    saga: Option<SagaId>,
    /// Only actions of this person
    #[arg(long, alias = "actor")]
    by: Option<String>,
    /// Only this action, such as `write-off`
    #[arg(long)]
    action: Option<String>,
    /// How many rows to list
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Status: 0 every chain holds, 1 one is broken, 2 it could not be told.

Examples:
  usher audit verify
  usher audit verify --json | jq .breaks")]
pub struct Verify {
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(config).await,
            Self::Verify(command) => command.run(config).await,
        }
    }
}

impl List {
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let action = self.action.map(audited_as);
        let which = audit::Which { saga: self.saga, actor: self.by.as_deref(), action: action.as_deref() };
        let found = audit::list(&mut *pool.acquire().await?, &which, None, self.limit).await?;
        if self.json {
            out::json(&found.into_iter().map(AuditView::from).collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = out::table(&["when", "who", "did", "to", "why"]);
        for row in found {
            table.add_row([
                out::cell(out::time(row.at), Tone::Dim),
                out::cell(row.actor, Tone::Plain),
                out::cell(out::word(&row.action), Tone::Strong),
                out::cell(row.saga.to_string(), Tone::Plain),
                out::cell(out::short(&row.reason, 200), Tone::Plain),
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let verified = audit::verify(&mut *pool.acquire().await?).await?;
        if self.json {
            out::json(&verified)?;
        } else {
            for found in &verified.breaks {
                let place = format!("bucket {}, row {}: {}", found.bucket, found.seq, found.why);
                out::line(out::paint(place, Tone::Bad));
            }
            let broken = out::count(verified.breaks.len(), "broken chain");
            let chained = out::count(verified.rows as usize, "row");
            let unchained = out::count(verified.unchained as usize, "row");
            out::line(format_args!("{chained} in chains, {broken}, {unchained} in no chain"));
        }
        Ok(ExitCode::from(if verified.breaks.is_empty() { 0 } else { BROKEN }))
    }
}

//! `usher verify`

use super::{moment::Moment, out, pool};
use anyhow::Context;
use clap::Args;
use secrecy::ExposeSecret;
use service::clock::now;
use service::{
    config::Config,
    node,
    reconcile::store::cases,
    verify::{Finding, INVARIANTS, LocksError, check, check_gateway, check_locks},
};
use std::process::ExitCode;

/// Status 0: every invariant holds; 1: one is broken; 2: the check failed. An open case is only a warning.
#[derive(Debug, Args)]
pub struct Verify {
    /// Compare with the gateway's books too; `usher reconcile` does the same and keeps what it finds
    #[arg(long)]
    gateway: bool,
    /// Where to begin comparing with the gateway's books: a time, or how long ago
    #[arg(long, value_name = "WHEN", default_value = "24h", requires = "gateway")]
    since: Moment,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        // A big database takes its time; nobody waits for these queries but us.
        sqlx::query("set statement_timeout = '10min'").execute(&mut *connection).await?;
        sqlx::query("set default_transaction_read_only = on").execute(&mut *connection).await?;
        let mut findings = Vec::with_capacity(INVARIANTS.len());
        for invariant in INVARIANTS {
            let finding = check(&mut connection, invariant).await;
            findings.push(finding.with_context(|| format!("checking `{}`", invariant.name))?);
        }
        match check_locks(&mut connection, config.redis.url.expose_secret(), &config.redis.prefix).await {
            Ok(finding) => findings.push(finding),
            // Nothing depends on Redis, and so neither does this.
            Err(error @ (LocksError::Redis(_) | LocksError::Slow)) => {
                tracing::warn!(%error, "the seat locks in Redis were not checked");
            }
            Err(error @ LocksError::Database(_)) => return Err(error).context("checking the seat locks"),
        }
        let open: i64 = cases::count_open(&mut connection).await?.iter().map(|(_, count)| count).sum();
        let now = now(&mut connection).await?;
        drop(connection);
        if self.gateway {
            let gateway = node::gateway(&config.gateway)?;
            let compared = check_gateway(&pool, gateway, self.since.from(now), now).await;
            findings.extend(compared.context("comparing with the gateway's books")?);
        }
        if open > 0 {
            // A case is on its own work-list, as a stuck saga is: something to do, and no broken promise of ours.
            tracing::warn!(cases = open, "our books and the gateway's differ; `usher case list` shows where");
        }
        let holds = findings.iter().all(|finding| finding.violations == 0);
        if self.json {
            out::json(&findings)?
        } else {
            print(&findings)
        }
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

fn print(findings: &[Finding]) {
    let mut table = out::table(&["invariant", "must not be", "violations"]);
    for finding in findings {
        let found = if finding.violations == 0 { "none".into() } else { finding.violations.to_string() };
        table.add_row([finding.invariant, finding.about, &found]);
    }
    out::line(table);
    for finding in findings {
        for violation in &finding.listed {
            out::line(format_args!("{}: {}: {}", finding.invariant, violation.subject, violation.detail));
        }
    }
}

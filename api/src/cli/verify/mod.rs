//! `usher verify`: every invariant as a query that returns what breaks it.
//!
//! Reads only, in one snapshot a query, and takes no locks that anyone would feel. What is still in motion is no
//! violation: the queries look at states, not at work under way, so they hold on a busy database too.

mod invariants;

use super::{out, pool};
use crate::config::Config;
use anyhow::Context;
use clap::Args;
use invariants::{INVARIANTS, Invariant};
use serde::Serialize;
use sqlx::{PgConnection, Row};
use std::process::ExitCode;

/// Violations that are listed of one invariant; one is bad enough.
const LISTED_MAX: usize = 100;

/// Status 0: every invariant holds; 1: one is broken; 2: it could not be told.
#[derive(Debug, Args)]
pub struct Verify {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What the check of one invariant found.
#[derive(Debug, Serialize)]
struct Finding {
    invariant: &'static str,
    about: &'static str,
    violations: usize,
    listed: Vec<Violation>,
}

/// One thing that breaks an invariant.
#[derive(Debug, Serialize)]
struct Violation {
    subject: String,
    detail: String,
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
        let holds = findings.iter().all(|finding| finding.violations == 0);
        if self.json {
            out::json(&findings)?
        } else {
            print(&findings)
        }
        Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }
}

async fn check(connection: &mut PgConnection, invariant: &Invariant) -> Result<Finding, sqlx::Error> {
    let rows = sqlx::query(invariant.sql).fetch_all(connection).await?;
    let listed = rows
        .iter()
        .take(LISTED_MAX)
        .map(|row| Ok(Violation { subject: row.try_get("subject")?, detail: row.try_get("detail")? }))
        .collect::<Result<_, sqlx::Error>>()?;
    Ok(Finding { invariant: invariant.name, about: invariant.about(), violations: rows.len(), listed })
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

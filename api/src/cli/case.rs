//! `usher case list`, `usher case show <id>`, `usher case tell <id>`, `usher case give-back <id>`,
//! `usher case never-captured <id>`, `usher case take-in <id>`, `usher case resolve <id>`

use super::{by, out, pool};
use anyhow::{Context, bail, ensure};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use operator::{By, Limits};
use serde_json::json;
use service::clock::now;
use service::{
    config::Config,
    node,
    operators::Invalid,
    reconcile::{
        Class, give_back, record_never_captured,
        store::cases::{self, CaseId},
        take_in, tell_nodes,
    },
};
use sqlx::PgPool;
use std::process::ExitCode;
use steps::gateway::Gateway;
use tokio_util::task::TaskTracker;

#[derive(Debug, Subcommand)]
pub enum Case {
    /// List the newest cases
    List(List),
    /// Show one case, and what can be done about it
    Show(Show),
    /// Tell the nodes what the gateway says now: they book the seats, give money back, or record refunds
    Tell(Act),
    /// Give back money for a payment of ours that our books have lost: cancel what is held, refund what was taken
    GiveBack(Act),
    /// Record that a booking's money was never captured, where the gateway doesn't know the payment: then the booking can
    /// be cancelled
    NeverCaptured(Act),
    /// Take refunds into our books that are more than was left of the payment; it moves no money
    TakeIn(Act),
    /// Mark a case as settled
    Resolve(Act),
}

#[derive(Debug, Args)]
pub struct List {
    /// List resolved cases too
    #[arg(long)]
    all: bool,
    /// Only cases of this class, such as `money-without-booking`
    #[arg(long, value_parser = class)]
    class: Option<Class>,
    /// How many cases to list, newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The case's id
    id: CaseId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Act {
    /// The case's id
    id: CaseId,
    /// Why; it is kept
    #[arg(long)]
    reason: String,
    /// Who you are
    #[arg(long, env = "USER", default_value = "unknown")]
    by: String,
    /// Print the case as JSON
    #[arg(long)]
    json: bool,
}

impl Case {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(config).await,
            Self::Show(command) => show(config, command.id, command.json).await,
            Self::Tell(command) => command.tell(config).await,
            Self::GiveBack(command) => command.give_back(config).await,
            Self::NeverCaptured(command) => command.never_captured(config).await,
            Self::TakeIn(command) => command.take_in(config).await,
            Self::Resolve(command) => command.resolve(config).await,
        }
    }
}

impl List {
    async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let pool = pool(config).await?;
        let state = (!self.all).then_some("OPEN");
        let cases = cases::list(&mut *pool.acquire().await?, state, self.class, self.limit).await?;
        if self.json {
            out::json(&cases)?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = out::table(&["case", "class", "state", "first seen", "last seen", "what"]);
        for case in cases {
            table.add_row([
                case.id.to_string(),
                case.class,
                case.state,
                case.first_seen_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                case.last_seen_at.to_rfc3339_opts(SecondsFormat::Secs, true),
                case.what,
            ]);
        }
        out::line(table);
        Ok(ExitCode::SUCCESS)
    }
}

/// What every act on a case needs.
struct Found {
    gateway: Gateway,
    pool: PgPool,
    now: DateTime<Utc>,
    case: cases::Case,
}

impl Found {
    async fn open(config: &Config, id: CaseId) -> anyhow::Result<Self> {
        let gateway = node::gateway(&config.gateway)?;
        let pool = pool(config).await?;
        let now = now(&mut *pool.acquire().await?).await?;
        let case = find(&pool, id).await?;
        Ok(Self { gateway, pool, now, case })
    }
}

async fn find(pool: &PgPool, id: CaseId) -> anyhow::Result<cases::Case> {
    let case = cases::find(&mut *pool.acquire().await?, id).await?;
    case.with_context(|| format!("there is no case {id}"))
}

impl Act {
    async fn tell(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Found { gateway, pool, now, case } = Found::open(config, self.id).await?;
        ensure!(case.state == "OPEN", "case {} is resolved", self.id);
        let kind = tell_nodes(&pool, &gateway, &case, &self.who_and_why()?, now).await?;
        if self.json {
            out::json(&json!({"case": case.id, "told": kind}))?;
        } else {
            out::line("the nodes are told; the next `usher reconcile` resolves the case if that mended it");
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn give_back(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Found { gateway, pool, now, case } = Found::open(config, self.id).await?;
        let limits = Limits { second_person_above_minor: config.operators.second_person_above_minor };
        let given =
            give_back((&pool, &TaskTracker::new()), &gateway, &case, self.who_and_why()?, limits, now)
                .await?;
        if self.json {
            out::json(&json!({"case": case.id, "given_back": given}))?;
        } else {
            out::line(format_args!("{given}; the next `usher reconcile` resolves the case"));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn never_captured(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Found { gateway, pool, now, case } = Found::open(config, self.id).await?;
        ensure!(case.state == "OPEN", "case {} is resolved", self.id);
        let by = self.who_and_why()?;
        let money = record_never_captured((&pool, &TaskTracker::new()), &gateway, &case, by, now).await?;
        if self.json {
            out::json(&json!({"case": case.id, "never_captured": money}))?;
        } else {
            out::line(format_args!("{money} was never captured; the booking can be cancelled now"));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn take_in(self, config: &Config) -> anyhow::Result<ExitCode> {
        let Found { gateway, pool, now, case } = Found::open(config, self.id).await?;
        let new = take_in((&pool, &TaskTracker::new()), &gateway, &case, self.who_and_why()?, now).await?;
        if self.json {
            out::json(&json!({"case": case.id, "refunds": new}))?;
        } else {
            out::line(format_args!("refunds taken in: {new}; the next `usher reconcile` resolves the case"));
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn resolve(self, config: &Config) -> anyhow::Result<ExitCode> {
        let by = self.who_and_why()?;
        let pool = pool(config).await?;
        let mut connection = pool.acquire().await?;
        let now = now(&mut connection).await?;
        if !cases::settle(&mut connection, self.id, &by, now).await? {
            bail!("case {} is not open; `usher case show {}` says why", self.id, self.id);
        }
        drop(connection);
        show(config, self.id, self.json).await
    }

    fn who_and_why(&self) -> Result<By, Invalid> {
        by::by(&self.by, &self.reason)
    }
}

async fn show(config: &Config, id: CaseId, json: bool) -> anyhow::Result<ExitCode> {
    let pool = pool(config).await?;
    let case = find(&pool, id).await?;
    if json {
        out::json(&case)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = out::table(&["", ""]);
    let none = || "–".to_owned();
    let rows = [
        ("class", case.class.clone()),
        ("what", case.what),
        ("gateway", case.gateway),
        ("reference", case.reference),
        ("payment", case.payment_id.map_or_else(none, |id| id.to_string())),
        ("reservation", case.reservation_id.map_or_else(none, |id| id.to_string())),
        ("ours", out::money(case.ours_minor, &case.currency)),
        ("gateway's", out::money(case.theirs_minor, &case.currency)),
        ("first seen", case.first_seen_at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        ("last seen", case.last_seen_at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        ("state", case.state),
        ("resolved", case.resolved_at.map_or_else(none, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true))),
        ("by", case.resolved_by.unwrap_or_else(none)),
        ("how", case.how.unwrap_or_else(none)),
        ("note", case.note.unwrap_or_else(none)),
        ("given back by", case.given_back_by.unwrap_or_else(none)),
        ("given back for", case.given_back_why.unwrap_or_else(none)),
        ("given back", case.given_back_how.unwrap_or_else(none)),
    ];
    for (name, value) in rows {
        table.add_row([name.to_owned(), value]);
    }
    out::line(table);
    if let Some(class) = Class::of(&case.class) {
        out::line(format_args!("to do: {}", class.safe_action()));
        out::line(format_args!("more: docs/operating.md#{class}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn class(word: &str) -> Result<Class, String> {
    Class::of(word).filter(|class| class.is_difference()).ok_or_else(|| {
        let words: Vec<_> =
            Class::ALL.iter().filter(|class| class.is_difference()).map(|class| class.as_str()).collect();
        format!("one of {}", words.join(", "))
    })
}

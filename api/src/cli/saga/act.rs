//! `usher saga act <id> <action> --reason …`: what operators do, seen beforehand with `--preview`.

use super::super::out;
use crate::{config::Config, node};
use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use orchestrator::{
    Position, SagaId,
    operator::{Action, By, Expected, OperatorError, Plan},
};
use serde_json::value::RawValue;
use std::process::ExitCode;

/// The saga's state forbids it, or it has moved since it was looked at.
const REFUSED: u8 = 1;

#[derive(Debug, Args)]
pub struct Act {
    /// The saga's id
    saga: SagaId,
    #[command(subcommand)]
    action: Wish,
    /// Why; it is kept in the audit
    #[arg(long, global = true, default_value = "")]
    reason: String,
    /// Who you are
    #[arg(long, global = true, env = "USER", default_value = "unknown")]
    by: String,
    /// Only say what would be done
    #[arg(long, global = true)]
    preview: bool,
    /// The version that you have seen, as a preview or `usher saga why --json` says; else the saga as it is now
    #[arg(long, global = true)]
    etag: Option<String>,
    /// The hash of the preview that this must match
    #[arg(long, global = true)]
    plan: Option<String>,
    /// As JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Wish {
    /// Try again at once, with a fresh budget
    #[command(alias = "retry_now")]
    Retry,
    /// Begin nothing more until somebody resumes it
    Pause,
    /// Go on after a pause
    Resume,
    /// Turn back, as if the customer had asked for it
    Cancel,
    /// Answer the step that the workflow asks for
    #[command(alias = "set_output")]
    SetOutput {
        /// JSON of the step's type
        output: String,
    },
    /// The same for a step whose output says nothing
    Skip,
    /// Take the compensation that is owed as settled, and unwind what is before it
    #[command(alias = "write_off")]
    WriteOff,
    /// Complete a saga that can't go on after its pivot
    #[command(alias = "mark_resolved")]
    Resolve {
        /// JSON of the workflow's type
        output: String,
    },
    /// Turn back, all the way or down to a position
    Compensate {
        /// The earliest step to be undone, by its position in `usher saga show`
        #[arg(long)]
        down_to: Option<i32>,
    },
    /// Undo what began at a position and later, and go forward anew from there
    Rewind {
        /// The position in `usher saga show`
        to: i32,
    },
    /// Let no wait end before this time, and move the hold along
    Extend {
        /// RFC 3339, at most a day from now
        until: DateTime<Utc>,
    },
}

impl Act {
    pub async fn run(self, config: &Config) -> anyhow::Result<ExitCode> {
        let operator = node::client(config).await?.operator();
        let action = self.action.action()?;
        let by = By { actor: self.by, reason: self.reason };
        let done = if self.preview {
            operator.plan(self.saga, action, by).await
        } else {
            let etag = match self.etag {
                Some(etag) => etag,
                None => operator.see(self.saga).await?.etag,
            };
            operator.execute(self.saga, action, by, Expected { etag, plan_hash: self.plan }).await
        };
        match done {
            Ok(plan) if self.json => out::json(&plan)?,
            Ok(plan) => print(&plan, self.preview),
            Err(
                refused @ (OperatorError::NotAllowed { .. }
                | OperatorError::Changed { .. }
                | OperatorError::PlanChanged(_)),
            ) => {
                out::line(&refused);
                if let OperatorError::NotAllowed { allowed, .. } = refused {
                    out::line(format_args!("allowed: {}", allowed.join(", ")));
                }
                return Ok(ExitCode::from(REFUSED));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Wish {
    fn action(self) -> anyhow::Result<Action> {
        let json = |text: String| {
            RawValue::from_string(text).map(Into::into).context("reading the output: it must be JSON")
        };
        Ok(match self {
            Self::Retry => Action::RetryNow,
            Self::Pause => Action::Pause,
            Self::Resume => Action::Resume,
            Self::Cancel => Action::Cancel,
            Self::SetOutput { output } => Action::SetOutput { output: json(output)? },
            Self::Skip => Action::Skip,
            Self::WriteOff => Action::WriteOff,
            Self::Resolve { output } => Action::MarkResolved { output: json(output)? },
            Self::Compensate { down_to } => Action::Compensate { down_to: down_to.map(Position::from) },
            Self::Rewind { to } => Action::Rewind { to: to.into() },
            Self::Extend { until } => Action::Extend { until },
        })
    }
}

fn print(plan: &Plan, preview: bool) {
    let what = if preview { "would leave" } else { "leaves" };
    let paused = if plan.paused { ", paused" } else { "" };
    out::line(format_args!("`{}` {what} the saga {}{paused}", plan.action, plan.state));
    for touched in &plan.touched {
        let (table, inserted, updated, deleted) =
            (&touched.table, touched.inserted, touched.updated, touched.deleted);
        out::line(format_args!("  {table}: {inserted} added, {updated} changed, {deleted} removed"));
    }
    for call in &plan.calls {
        let undo = if call.undo { "compensation of " } else { "" };
        let expired = if call.key_expired { ", which may be forgotten there" } else { "" };
        out::line(format_args!("  then {undo}{} leaves under key {}{expired}", call.step, call.key));
    }
    if preview {
        out::line(format_args!(
            "nothing was done; to do exactly this: --etag {} --plan {}",
            plan.etag, plan.hash
        ));
    }
}

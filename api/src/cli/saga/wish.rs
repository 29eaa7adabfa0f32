//! What can be done to a saga, as subcommands: the same for one saga and for many.

use anyhow::{Context, anyhow};
use chrono::{DateTime, Utc};
use clap::Subcommand;
use orchestrator::operator::Action;
use service::operators::wish::{self as operators, Parameters};

#[derive(Clone, Debug, Subcommand)]
pub enum Wish {
    /// Try again at once, with a fresh budget
    #[command(alias = "retry_now")]
    Retry,
    /// Ask the other side what became of a call in doubt, and go on from its answer
    Probe,
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
    /// Take a lease away that nothing seems to be behind
    #[command(alias = "release_lease")]
    ReleaseLease,
    /// Let no wait end before this time, and move the hold along
    Extend {
        /// RFC 3339, at most a day from now
        until: DateTime<Utc>,
    },
}

impl Wish {
    /// The engine's action.
    pub fn action(self) -> anyhow::Result<Action> {
        let none = Parameters::default;
        let json = |output: &str| {
            let output = serde_json::from_str(output).context("reading the output: it must be JSON")?;
            anyhow::Ok(Parameters { output: Some(output), ..none() })
        };
        let (name, given) = match self {
            Self::Retry => ("retry_now", none()),
            Self::Probe => ("probe", none()),
            Self::Pause => ("pause", none()),
            Self::Resume => ("resume", none()),
            Self::Cancel => ("cancel", none()),
            Self::SetOutput { output } => ("set_output", json(&output)?),
            Self::Skip => ("skip", none()),
            Self::WriteOff => ("write_off", none()),
            Self::Resolve { output } => ("mark_resolved", json(&output)?),
            Self::Compensate { down_to } => ("compensate", Parameters { down_to, ..none() }),
            Self::Rewind { to } => ("rewind", Parameters { to: Some(to), ..none() }),
            Self::ReleaseLease => ("release_lease", none()),
            Self::Extend { until } => ("extend", Parameters { until: Some(until), ..none() }),
        };
        operators::action(name, given).map_err(|wrong| anyhow!("`{}` {}", wrong.field, wrong.detail))
    }
}

//! What comes of an operator's action, for people and for scripts: done, refused, or waiting for a second person.

use super::{out, out::Tone};
use operator::{OperatorError, Plan};
use std::process::ExitCode;

/// The saga's state forbids it, or it has moved since it was looked at.
pub const REFUSED: u8 = 1;
/// A second person must agree.
pub const WAITS: u8 = 3;

/// Prints a refusal, which is an answer; everything else is an error.
pub fn refused(error: OperatorError) -> anyhow::Result<ExitCode> {
    match &error {
        OperatorError::NotAllowed { action, why, allowed } => {
            let refused = format!("`{}` is not allowed: {why}", out::word(action));
            out::line(out::paint(refused, Tone::Warn));
            let allowed: Vec<String> = allowed.iter().map(|name| out::word(name)).collect();
            out::line(format_args!("allowed: {}", allowed.join(", ")));
        }
        OperatorError::Changed { .. }
        | OperatorError::PlanChanged(_)
        | OperatorError::NeedsConsent(_)
        | OperatorError::SamePerson(_)
        | OperatorError::Closed { .. } => {
            out::line(out::paint(error.to_string(), Tone::Warn));
        }
        OperatorError::NotFound(_)
        | OperatorError::NoProposal(_)
        | OperatorError::NoBatch(_)
        | OperatorError::Anonymous
        | OperatorError::Database(_)
        | OperatorError::Failed(_) => return Err(error.into()),
    }
    Ok(ExitCode::from(REFUSED))
}

/// Prints what an action would do, or did.
pub fn print_plan(plan: &Plan, would: bool) {
    let what = if would { "would leave" } else { "leaves" };
    let paused = if plan.paused { ", paused" } else { "" };
    out::line(format_args!("`{}` {what} the saga {}{paused}", out::word(plan.action), plan.state));
    for touched in &plan.touched {
        let (table, inserted, updated, deleted) =
            (&touched.table, touched.inserted, touched.updated, touched.deleted);
        out::line(format_args!("  {table}: {inserted} added, {updated} changed, {deleted} removed"));
    }
    for call in &plan.calls {
        let undo = if call.undo { "compensation of " } else { "" };
        let probed = if call.probe { "the other side is asked for the outcome, then " } else { "" };
        let expired = if call.key_expired { ", which the other side may have forgotten" } else { "" };
        let sent = call.described.as_deref().map(|words| format!(": {}", out::clean(words)));
        let sent = sent.unwrap_or_default();
        out::line(format_args!(
            "  then {probed}{undo}{} is called under key {}{expired}{sent}",
            call.step, call.key
        ));
    }
    if !plan.frees.is_empty() {
        out::line(format_args!("  giving back {}", out::paint(out::stakes(&plan.frees), Tone::Strong)));
    }
    if !plan.money.is_empty() {
        out::line(format_args!("  moving {}", out::paint(out::stakes(&plan.money), Tone::Strong)));
    }
}

//! A batch as it is printed.

use crate::cli::{out, out::Tone};
use operator::{Batch, BatchState};

/// Prints a batch and its progress.
pub(super) fn print(batch: &Batch) {
    let state = out::paint(out::word(batch.state.as_str()), tone_of(batch.state));
    out::line(format_args!("batch {}  {state}", batch.id));
    if let Some(why) = &batch.why {
        out::line(out::paint(why, Tone::Strong));
    }
    let (action, sagas) = (out::word(batch.action.name()), out::count(batch.items as usize, "saga"));
    let capped = if batch.capped { " (more matched)" } else { "" };
    out::line(format_args!("`{action}` on {sagas}{capped}"));
    if !batch.stakes.is_empty() {
        out::line(format_args!("at stake when it was made: {}", out::stakes(&batch.stakes)));
    }
    let (actor, reason) = (out::clean(&batch.actor), out::clean(&batch.reason));
    out::line(format_args!("asked by {actor}: {reason}"));
    if let Some(second) = &batch.consented_by {
        out::line(format_args!("agreed to by {}", out::clean(second)));
    }
    out::line(results(batch));
    let next = match batch.state {
        BatchState::AwaitingConsent => "a second person must agree: usher batch consent",
        BatchState::Paused | BatchState::Stopped => "to go on: usher batch resume",
        BatchState::Canary | BatchState::Ramping => "to watch it: usher batch show --watch",
        BatchState::Cancelled | BatchState::Done => "to see the result of each saga: usher batch items",
    };
    out::line(out::paint(format!("{next} {}", batch.id), Tone::Dim));
}

/// The number of items with each result, in one line.
pub(super) fn results(batch: &Batch) -> String {
    let results = &batch.results;
    let parts = [
        (results.mended, "mended", Tone::Good),
        (results.acted, "acted on", Tone::Plain),
        (results.stuck_again, "stuck again", Tone::Bad),
        (results.refused, "refused", Tone::Warn),
        (results.failed, "failed", Tone::Bad),
        (results.waiting, "waiting", Tone::Dim),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let words: Vec<String> =
        parts.map(|(count, word, tone)| out::paint(format!("{count} {word}"), tone)).collect();
    if words.is_empty() { "no sagas".into() } else { words.join(", ") }
}

pub(super) fn tone_of(state: BatchState) -> Tone {
    match state {
        BatchState::AwaitingConsent | BatchState::Paused => Tone::Warn,
        BatchState::Stopped => Tone::Bad,
        BatchState::Done => Tone::Good,
        BatchState::Canary | BatchState::Ramping => Tone::Strong,
        BatchState::Cancelled => Tone::Dim,
    }
}

/// Whether somebody should look at how it ended.
pub(super) fn went_wrong(batch: &Batch) -> bool {
    batch.state == BatchState::Stopped || batch.results.stuck_again + batch.results.failed > 0
}

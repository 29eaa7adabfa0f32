//! What happened in a saga, as a table.

use super::super::super::{out, out::Tone};
use serde_json::Value;
use service::operators::{AttemptView, EntryView, SagaDetail};

/// Characters of a value that are shown; `--json` has all.
const DETAILS_CHARS_MAX: usize = 100;

pub fn print(detail: &SagaDetail) {
    let mut table = out::table(&["#", "time", "epoch", "node", "what", "step", "details"]);
    for entry in &detail.timeline {
        let EntryLine { what, tone, step, details } = line_of(entry);
        table.add_row([
            out::cell(entry.position.to_string(), Tone::Plain),
            out::cell(super::related::moment(entry.written_at), Tone::Dim),
            out::cell(entry.epoch.to_string(), Tone::Dim),
            out::cell(entry.node.as_deref().unwrap_or_default(), Tone::Dim),
            out::cell(what, tone),
            out::cell(step, Tone::Strong),
            out::cell(out::short(&details, DETAILS_CHARS_MAX), Tone::Plain),
        ]);
    }
    out::line(table);
    if !detail.attempts.is_empty() {
        attempts(&detail.attempts);
    }
}

/// Prints the attempts that failed. A bar beside the number shows how long each took; the longest has ten blocks.
fn attempts(all: &[AttemptView]) {
    let took = |attempt: &AttemptView| (attempt.ended_at - attempt.began_at).num_milliseconds().max(0);
    let longest = all.iter().map(took).max().unwrap_or_default().max(1);
    let mut table = out::table(&["failed at #", "attempt", "began", "took", "epoch", "node", "what it said"]);
    for attempt in all {
        let what = if attempt.undo { " (compensation)" } else { "" };
        let doubt = if attempt.in_doubt { "in doubt: " } else { "" };
        let code = attempt.code.as_ref().map(|code| format!("{code}: ")).unwrap_or_default();
        let bar = "█".repeat((took(attempt) * 10 / longest) as usize);
        table.add_row([
            out::cell(format!("{}{what}", attempt.position), Tone::Plain),
            out::cell(attempt.number.to_string(), Tone::Plain),
            out::cell(super::related::moment(attempt.began_at), Tone::Dim),
            out::cell(format!("{} ms {bar}", took(attempt)), Tone::Plain),
            out::cell(attempt.epoch.to_string(), Tone::Dim),
            out::cell(&attempt.node, Tone::Dim),
            out::cell(
                format!("{doubt}{code}{}", out::short(&attempt.error, DETAILS_CHARS_MAX)),
                if attempt.in_doubt { Tone::Bad } else { Tone::Warn },
            ),
        ]);
    }
    out::line(table);
}

/// An entry in words: what happened, to which step, and details.
struct EntryLine {
    what: &'static str,
    tone: Tone,
    step: String,
    details: String,
}

fn line_of(entry: &EntryView) -> EntryLine {
    let body = &entry.body;
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let json = |key: &str| body.get(key).map(Value::to_string).unwrap_or_default();
    let of = |what, tone, step, details| EntryLine { what, tone, step, details };
    match entry.kind.as_str() {
        "begun" => of("begun", Tone::Plain, String::new(), json("input")),
        "started" => of("started", Tone::Plain, text("step"), json("input")),
        "ended" => ended(body, text("step")),
        "waiting" => of("waiting", Tone::Plain, text("signal"), format!("until {}", text("until"))),
        "received" => {
            let details = format!("from {}: {}", text("sender"), json("payload"));
            of("received", Tone::Good, text("signal"), details)
        }
        "deadline_passed" => of("deadline passed", Tone::Warn, text("signal"), String::new()),
        "value" => of("value", Tone::Dim, String::new(), json("recall")),
        "turned_back" => of("turned back", Tone::Warn, String::new(), json("cause")),
        "undo_started" => of("undo started", Tone::Plain, format!("of #{}", json("of")), String::new()),
        "undo_ended" => of("undone", Tone::Good, format!("of #{}", json("of")), json("undo")),
        "operator" => {
            let details = format!("{} by {}: {}", json("action"), text("actor"), text("reason"));
            of("operator", Tone::Warn, String::new(), details)
        }
        "rewound_to" => of("rewound", Tone::Warn, format!("to #{}", json("position")), String::new()),
        "returned" => of("returned", Tone::Good, String::new(), json("output")),
        other => of("other", Tone::Plain, other.to_owned(), body.to_string()),
    }
}

fn ended(body: &Value, step: String) -> EntryLine {
    let outcome = &body["outcome"];
    let json = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
    if let Some(rejected) = outcome.get("rejected") {
        return EntryLine { what: "refused", tone: Tone::Warn, step, details: rejected.to_string() };
    }
    let what = if body["pivot"] == true { "done, decided" } else { "done" };
    EntryLine { what, tone: Tone::Good, step, details: json(outcome.get("done")) }
}

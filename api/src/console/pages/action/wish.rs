//! What an action is called, what it is for, and what its form asks.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use maud::{Markup, html};
use orchestrator::{
    journal::What,
    operator::{Action, Seen},
};
use serde::Deserialize;
use service::operators::wish::{self as operators, Parameters};

/// An action as people know it.
#[derive(Debug)]
pub struct Known {
    /// As the engine calls it.
    pub name: &'static str,
    /// As buttons do.
    pub label: &'static str,
    /// When it is right.
    pub about: &'static str,
    asks: Asks,
}

/// What an action's form asks besides the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Nothing,
    Output,
    DownTo,
    To,
    Until,
}

const KNOWN: [Known; 13] = [
    act(
        "retry_now",
        "Retry now",
        Asks::Nothing,
        "Tries again at once, with a fresh budget. Right when what failed has been mended.",
    ),
    act(
        "probe",
        "Probe",
        Asks::Nothing,
        "Asks the other side what became of the call, and repeats nothing. Right when an outcome is unknown.",
    ),
    act(
        "set_output",
        "Set the output",
        Asks::Output,
        "Answers the step that the workflow asks for, as if it had been done, and goes on. Right when you know what the step would have made.",
    ),
    act(
        "skip",
        "Skip",
        Asks::Nothing,
        "Takes a step as done whose output says nothing. Right when its effect is there already, or no longer matters.",
    ),
    act(
        "extend",
        "Extend the hold",
        Asks::Until,
        "Lets no wait end before that time, and moves what is reserved along. At most a day from now.",
    ),
    act(
        "rewind",
        "Rewind",
        Asks::To,
        "Undoes what began at a step and later, and goes forward from there anew, under new keys.",
    ),
    act(
        "compensate",
        "Compensate",
        Asks::DownTo,
        "Turns back: all the way, or down to a step, where it pauses. There is no way forward again.",
    ),
    act("cancel", "Cancel", Asks::Nothing, "Turns back, as if the customer had asked for it."),
    act(
        "pause",
        "Pause",
        Asks::Nothing,
        "Begins nothing more until somebody resumes it. A call that is out comes home.",
    ),
    act("resume", "Resume", Asks::Nothing, "Goes on after a pause."),
    act(
        "write_off",
        "Write off the debt",
        Asks::Nothing,
        "Takes the compensation that is owed as settled, and unwinds what is before it. Right when it was settled by hand.",
    ),
    act(
        "mark_resolved",
        "Mark as resolved",
        Asks::Output,
        "Completes a saga that can't go on after its pivot, with this result. Callers get it.",
    ),
    act(
        "release_lease",
        "Release the lease",
        Asks::Nothing,
        "Takes the lease away from a node that shows nothing for it. The call is made again under its key; what the node still brings counts no more. \
         Right when the call has been out for longer than any call may be.",
    ),
];

const fn act(name: &'static str, label: &'static str, asks: Asks, about: &'static str) -> Known {
    Known { name, label, about, asks }
}

/// The action of that name.
pub fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// What a form sends. A field that is not the action's own is never there, or empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Sent {
    pub reason: String,
    pub output: String,
    pub down_to: String,
    pub to: String,
    pub until: String,
    pub etag: Option<String>,
    pub plan: Option<String>,
}

impl Sent {
    /// The action that is meant.
    ///
    /// # Errors
    /// What is wrong with it, in a sentence.
    pub fn action(&self, known: &Known) -> Result<Action, String> {
        let mut given = Parameters::default();
        match known.asks {
            Asks::Nothing => {}
            Asks::Output => {
                let json = serde_json::from_str(&self.output);
                given.output = Some(json.map_err(|error| format!("The output is no JSON: {error}."))?);
            }
            Asks::DownTo if self.down_to.trim().is_empty() => {}
            Asks::DownTo => given.down_to = Some(position(&self.down_to)?),
            Asks::To => given.to = Some(position(&self.to)?),
            Asks::Until => given.until = Some(moment(&self.until)?),
        }
        operators::action(known.name, given).map_err(|wrong| format!("{}: {}", wrong.field, wrong.detail))
    }

    /// The same, out of sight, for the form that does what was previewed.
    pub fn hidden(&self) -> Markup {
        let fields = [
            ("reason", &self.reason),
            ("output", &self.output),
            ("down_to", &self.down_to),
            ("to", &self.to),
            ("until", &self.until),
        ];
        html! {
            @for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
                input type="hidden" name=(name) value=(value);
            }
        }
    }
}

/// What the form asks besides the reason.
pub fn fields(known: &Known, sent: &Sent, seen: &Seen) -> Markup {
    html! {
        @match known.asks {
            Asks::Nothing => {},
            Asks::Output => div {
                label for="output" { "Output" }
                textarea.json #output name="output" required spellcheck="false" placeholder="null" { (sent.output) }
                p.hint { "JSON. The preview says if it is not of the type that is needed." }
            },
            Asks::DownTo => div {
                label for="down_to" { "Down to" }
                (choice("down_to", &sent.down_to, seen, Some("all the way")))
                p.hint { "The earliest step to be undone; it pauses before what began earlier." }
            },
            Asks::To => div {
                label for="to" { "Rewind to" }
                (choice("to", &sent.to, seen, None))
                p.hint { "This step and all that began later are undone, and asked for anew." }
            },
            Asks::Until => div {
                label for="until" { "Until, in UTC" }
                input #until type="datetime-local" name="until" step="1" required value=(until(sent, seen));
            },
        }
    }
}

/// The requests of the saga, latest first.
fn choice(name: &str, chosen: &str, seen: &Seen, all: Option<&str>) -> Markup {
    html! {
        select id=(name) name=(name) {
            @if let Some(all) = all { option value="" { (all) } }
            @for ask in seen.history.asks().iter().rev().filter(|ask| matches!(ask.what, What::Step(_) | What::Signal(_))) {
                @let position = ask.first.to_string();
                option value=(position) selected[position == chosen] { "#" (position) " " (ask.what) }
            }
        }
    }
}

/// As it was sent; else half an hour later than what is waited for now.
fn until(sent: &Sent, seen: &Seen) -> String {
    if !sent.until.is_empty() {
        return sent.until.clone();
    }
    let from = seen.status.due_at.filter(|due| *due > seen.now).unwrap_or(seen.now);
    (from + chrono::TimeDelta::minutes(30)).format("%Y-%m-%dT%H:%M:%S").to_string()
}

fn position(text: &str) -> Result<i32, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no position."))
}

/// As browsers write it, without a zone: we asked for UTC. Or RFC 3339, from whoever has no such field.
fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    let text = text.trim();
    let local = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"].iter();
    let local = local.filter_map(|form| NaiveDateTime::parse_from_str(text, form).ok()).next();
    let moment = local.map(|local| local.and_utc()).or_else(|| text.parse::<DateTime<Utc>>().ok());
    moment.ok_or_else(|| {
        let example = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        format!("`{text}` is no time; write it like {example}.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_an_action_or_says_what_is_wrong() {
        let sent = |output: &str, until: &str| Sent {
            output: output.into(),
            until: until.into(),
            ..Sent::default()
        };
        let of = |name: &str, sent: &Sent| sent.action(known(name).unwrap());
        assert!(matches!(of("retry_now", &sent("", "")), Ok(Action::RetryNow)));
        assert!(matches!(of("set_output", &sent(r#"{"a":1}"#, "")), Ok(Action::SetOutput { .. })));
        assert!(of("set_output", &sent("{", "")).unwrap_err().contains("no JSON"));
        assert!(matches!(of("extend", &sent("", "2026-03-01T19:00")), Ok(Action::Extend { .. })));
        assert!(matches!(of("extend", &sent("", "2026-03-01T19:00:00Z")), Ok(Action::Extend { .. })));
        assert!(of("extend", &sent("", "soon")).is_err());
        assert!(matches!(of("compensate", &Sent::default()), Ok(Action::Compensate { down_to: None })));
        assert!(known("explode").is_none());
    }
}

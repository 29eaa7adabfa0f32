//! The fields of an action's form, made from the table of actions, and the action that a sent form means.

use crate::console::session::Visitor;
use chrono::NaiveDateTime;
use maud::{Markup, html};
use operator::{Action, By, Seen};
use orchestrator::journal::What;
use serde::Deserialize;
use service::operators::{
    self, ActionRow, Argument, Invalid, Parameter, Parameters, REASON_CHARS_MAX, Takes,
};

/// What a form sends. A field that the action does not take is absent or empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ActionForm {
    pub reason: String,
    pub output: String,
    pub down_to: String,
    pub to: String,
    pub until: String,
    pub etag: Option<String>,
    pub plan: Option<String>,
}

impl ActionForm {
    /// The action that the form means.
    ///
    /// # Errors
    /// The first field that can't be understood, or is missing.
    pub fn action(&self, row: ActionRow) -> Result<Action, Invalid> {
        let mut given = Parameters::default();
        for parameter in Parameter::ALL {
            let text = self.text(parameter).trim();
            if !text.is_empty() {
                given.read(parameter, argument(parameter, text))?;
            }
        }
        operators::action(row, given)
    }

    /// The action that the form means, and who asks for it.
    ///
    /// # Errors
    /// The first field that can't be understood, or is missing.
    pub fn requested_action(&self, row: ActionRow, visitor: &Visitor) -> Result<(Action, By), Invalid> {
        Ok((self.action(row)?, operators::by(&visitor.subject, &self.reason)?))
    }

    /// The same values in hidden fields, for the form that does what was previewed.
    pub fn hidden(&self) -> Markup {
        let parameters = Parameter::ALL.map(|parameter| (parameter.name(), self.text(parameter)));
        let fields = std::iter::once(("reason", self.reason.as_str())).chain(parameters);
        html! {
            @for (name, value) in fields.filter(|(_, value)| !value.is_empty()) {
                input type="hidden" name=(name) value=(value);
            }
        }
    }

    fn text(&self, parameter: Parameter) -> &str {
        match parameter {
            Parameter::Output => &self.output,
            Parameter::DownTo => &self.down_to,
            Parameter::To => &self.to,
            Parameter::Until => &self.until,
        }
    }
}

/// The value as the table of actions reads it. Browsers send a time without its zone, and our form asks for UTC.
fn argument(parameter: Parameter, text: &str) -> Argument {
    let is_local = |form| NaiveDateTime::parse_from_str(text, form).is_ok();
    Argument::Text(match parameter {
        Parameter::Until if is_local("%Y-%m-%dT%H:%M:%S") => format!("{text}Z"),
        Parameter::Until if is_local("%Y-%m-%dT%H:%M") => format!("{text}:00Z"),
        Parameter::Until | Parameter::Output | Parameter::DownTo | Parameter::To => text.to_owned(),
    })
}

/// The fields of the form besides the reason.
pub fn fields(row: ActionRow, sent: &ActionForm, seen: &Seen) -> Markup {
    html! { @for takes in row.takes { (field(takes, sent, seen)) } }
}

fn field(takes: &Takes, sent: &ActionForm, seen: &Seen) -> Markup {
    let name = takes.parameter.name();
    let text = sent.text(takes.parameter);
    html! {
        div {
            label for=(name) { (label(takes.parameter)) }
            @match takes.parameter {
                Parameter::Output => textarea.json id=(name) name=(name) required[takes.is_required] spellcheck="false" placeholder="null" { (text) },
                Parameter::DownTo | Parameter::To => (choice(takes, text, seen)),
                Parameter::Until => input id=(name) type="datetime-local" name=(name) step="1" required[takes.is_required] value=(until(text, seen));,
            }
            p.hint { (takes.about) "." }
        }
    }
}

/// A parameter's label on forms.
pub fn label(parameter: Parameter) -> &'static str {
    match parameter {
        Parameter::Output => "Output",
        Parameter::DownTo => "Down to",
        Parameter::To => "To",
        Parameter::Until => "Until, in UTC",
    }
}

/// The field for the reason.
pub fn reason(text: &str) -> Markup {
    html! {
        div {
            label for="reason" { "Reason" }
            textarea #reason name="reason" required maxlength=(REASON_CHARS_MAX) placeholder="Reason, for those who read the audit later" { (text) }
            p.hint { "It is kept in the audit, with your name." }
        }
    }
}

/// The requests of the saga, latest first.
fn choice(takes: &Takes, chosen: &str, seen: &Seen) -> Markup {
    let name = takes.parameter.name();
    html! {
        select id=(name) name=(name) {
            @if !takes.is_required { option value="" { "all the way" } }
            @for ask in seen.history.asks().iter().rev().filter(|ask| matches!(ask.what, What::Step(_) | What::Signal(_))) {
                @let position = ask.first.to_string();
                option value=(position) selected[position == chosen] { "#" (position) " " (ask.what) }
            }
        }
    }
}

/// The time that was sent; otherwise half an hour after the present deadline.
fn until(sent: &str, seen: &Seen) -> String {
    if !sent.is_empty() {
        return sent.to_owned();
    }
    let from = seen.status.due_at.filter(|due| *due > seen.now).unwrap_or(seen.now);
    (from + chrono::TimeDelta::minutes(30)).format("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(row: ActionRow) -> ActionForm {
        let mut form = ActionForm::default();
        for takes in row.takes {
            match takes.parameter {
                Parameter::Output => form.output = r#"{"a":1}"#.into(),
                Parameter::DownTo => form.down_to = "3".into(),
                Parameter::To => form.to = "3".into(),
                Parameter::Until => form.until = "2026-03-01T19:00".into(),
            }
        }
        form
    }

    #[test]
    fn every_action_of_the_table_has_a_form_that_means_it() {
        for row in operators::action_rows() {
            let form = filled(row);
            assert_eq!(form.action(row).unwrap().kind(), row.kind);
            let hidden = form.hidden().into_string();
            for takes in row.takes {
                assert!(hidden.contains(takes.parameter.name()), "{row:?}: {hidden}");
            }
            let needs = row.takes.iter().any(|takes| takes.is_required);
            assert_eq!(ActionForm::default().action(row).is_err(), needs, "{row:?}");
        }
    }

    #[test]
    fn a_form_says_what_is_wrong() {
        let of = |word: &str, form: ActionForm| form.action(operators::action_named(word).unwrap());
        let with = |output: &str, until: &str| ActionForm {
            output: output.into(),
            until: until.into(),
            ..ActionForm::default()
        };
        assert_eq!(of("set_output", with("{", "")).unwrap_err().field, "output");
        assert!(of("extend", with("", "2026-03-01T19:00:00Z")).is_ok());
        assert!(of("extend", with("", "2026-03-01T19:00:07")).is_ok());
        assert_eq!(of("extend", with("", "soon")).unwrap_err().field, "until");
        assert!(matches!(of("compensate", ActionForm::default()), Ok(Action::Compensate { down_to: None })));
    }
}

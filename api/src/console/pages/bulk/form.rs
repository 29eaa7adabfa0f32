//! The form of an action on many sagas, and what it sends.

use super::super::{
    super::{
        batch_form::BatchForm,
        page::{Page, Section, proof},
        queries::SagaQuery,
        session::Visitor,
        words,
    },
    action::{ActionForm, form},
    refused,
};
use maud::{Markup, html};
use operator::{By, NewBatch, Operator, OperatorError};
use service::operators::{ActionRow, FilterError, Invalid, Parameter, action_named, action_rows, by, narrow};

impl BatchForm {
    /// The row of the action, if it can be done to many sagas.
    pub fn row(&self) -> Result<ActionRow, Invalid> {
        let row = action_named(&self.action)?;
        if row.kind.is_for_many() {
            return Ok(row);
        }
        let words: Vec<&str> = many().map(|row| row.word).collect();
        let detail = format!(
            "must be an action that can be done to many sagas, {}, and is {}",
            words.join(", "),
            row.word
        );
        Err(Invalid::new("action", detail))
    }

    /// The batch that the form asks for.
    ///
    /// # Errors
    /// A field is not valid, or the database failed.
    pub async fn batch(
        &self,
        sagas: &SagaQuery,
        visitor: &Visitor,
        operator: &Operator,
    ) -> Result<NewBatch, FilterError> {
        if let Some(invalid) = &sagas.invalid {
            return Err(invalid.clone().into());
        }
        let row = self.row()?;
        let sent =
            ActionForm { output: self.output.clone(), until: self.until.clone(), ..ActionForm::default() };
        let (action, by): (_, By) = (sent.action(row)?, by(&visitor.subject, &self.reason)?);
        let found: Result<_, OperatorError> =
            narrow(operator, sagas.filter.clone(), sagas.words.q.as_deref()).await;
        // A filter without ids would mean every saga.
        let filter = found?.ok_or_else(|| Invalid::new("q", "finds no saga"))?;
        let stop_at_error_rate = f64::from(self.stop_at_percent) / 100.0;
        Ok(NewBatch { filter, action, by, canary: self.canary, stop_at_error_rate })
    }

    /// The same values in hidden fields, for the form that makes the batch.
    pub fn hidden(&self) -> Markup {
        html! {
            input type="hidden" name="action" value=(self.action);
            input type="hidden" name="reason" value=(self.reason);
            input type="hidden" name="output" value=(self.output);
            input type="hidden" name="until" value=(self.until);
            input type="hidden" name="canary" value=(self.canary);
            input type="hidden" name="stop_at_percent" value=(self.stop_at_percent);
        }
    }
}

/// The actions that can be done to many sagas.
fn many() -> impl Iterator<Item = ActionRow> {
    action_rows().filter(|row| row.kind.is_for_many())
}

/// The form.
pub fn page(visitor: &Visitor, sagas: &SagaQuery, sent: &BatchForm, invalid: Option<&Invalid>) -> Page {
    let invalid = invalid.or(sagas.invalid.as_ref());
    Page::new("Act on many", Section::Batches).still(html! {
        section {
            h1 { "Act on many" }
            (which(sagas))
            @if let Some(invalid) = invalid { (refused::invalid(invalid)) }
            @if visitor.may_act() { (fields(visitor, sagas, sent)) }
            @else { div.notice { p { "Auditors may only read. Acting needs the role " code { "operator" } "." } } }
        }
    })
}

fn fields(visitor: &Visitor, sagas: &SagaQuery, sent: &BatchForm) -> Markup {
    let chosen = action_named(&sent.action).ok().map(|row| row.kind);
    html! {
        form.column method="post" action=(super::PREVIEW) {
            (proof(visitor))
            (hidden(sagas))
            div { label for="action" { "Action" }
                select #action name="action" {
                    @for row in many() {
                        option value=(row.kind.name()) title=(row.does) selected[Some(row.kind) == chosen] { (row.label) }
                    }
                }
            }
            (form::reason(&sent.reason))
            details open[!sent.output.is_empty() || !sent.until.is_empty()] {
                summary { "For some actions" }
                div { label for="until" { (form::label(Parameter::Until)) (takers(Parameter::Until)) } input #until type="datetime-local" step="1" name="until" value=(sent.until); }
                div { label for="output" { (form::label(Parameter::Output)) (takers(Parameter::Output)) } textarea.json #output name="output" spellcheck="false" { (sent.output) } }
            }
            div.line {
                div { label for="canary" { "Sagas that go first" } input #canary type="number" name="canary" min="1" max="1000" value=(sent.canary); }
                div { label for="stop_at_percent" { "Stop if more than this percentage of a round ends badly" }
                    input #stop_at_percent type="number" name="stop_at_percent" min="0" max="100" value=(sent.stop_at_percent); }
            }
            div.actions { button.main { "Preview" } span.faint { "This does nothing yet." } }
        }
    }
}

/// The actions on many sagas that need a parameter.
fn takers(parameter: Parameter) -> String {
    let needs = |row: &ActionRow| row.takes.iter().any(|takes| takes.parameter == parameter);
    let labels: Vec<&str> = many().filter(needs).map(|row| row.label).collect();
    format!(" (for: {})", labels.join(", "))
}

/// The filter in hidden fields.
pub fn hidden(sagas: &SagaQuery) -> Markup {
    html! {
        @for (name, value) in sagas.words.fields() {
            @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
        }
    }
}

/// The filter in words.
pub fn which(sagas: &SagaQuery) -> Markup {
    let fields = sagas.words.fields().into_iter();
    let fields: Vec<(&str, String)> = fields.filter_map(|(name, value)| Some((name, value?))).collect();
    html! {
        p {
            @if fields.is_empty() { strong { "All sagas." } }
            @for (index, (name, value)) in fields.iter().enumerate() {
                @if index > 0 { ", " } (words::name(name)) " " code.id { (value) }
            }
            " " a href=(sagas.path()) { "See these sagas" }
        }
    }
}

//! Many sagas at once: a filter, what it comes to, and then a batch that can be watched and steered.

mod batch;
mod list;

pub use batch::{page as batch, steer};
pub use list::page as list;

use super::{
    super::{
        address::{Query, Wanted},
        page::{Page, Section, proof},
        session::Visitor,
        words,
    },
    action::{Sent, known},
    refused,
};
use crate::console::Console;
use crate::http::Problem;
use axum::{
    Extension,
    extract::{RawForm, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use maud::{Markup, html};
use orchestrator::operator::{Action, BatchId, BatchPreview, By, NewBatch, Operator};

/// What can be done to many alike: a position or a result is of one saga.
const ACTIONS: [&str; 11] = [
    "retry_now",
    "probe",
    "compensate",
    "extend",
    "skip",
    "set_output",
    "pause",
    "resume",
    "cancel",
    "write_off",
    "release_lease",
];

/// Where the forms lead.
const PREVIEW: &str = "/console/bulk";
const START: &str = "/console/bulk/start";

/// What the form sends besides the filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    action: String,
    reason: String,
    /// Of `set_output`.
    output: String,
    /// Of `extend`.
    until: String,
    canary: u32,
    stop_at_percent: u32,
    /// The batch that the button makes: pressed twice it is one batch.
    batch: Option<BatchId>,
}

impl Asked {
    /// As it was sent; what is not given is as the engine has it.
    pub fn of(query: &Query) -> Self {
        Self {
            action: query.text("action").unwrap_or_else(|| "retry_now".into()),
            reason: query.text("reason").unwrap_or_default(),
            output: query.text("output").unwrap_or_default(),
            until: query.text("until").unwrap_or_default(),
            canary: query.parsed("canary").unwrap_or(5),
            stop_at_percent: query.parsed("stop_at_percent").unwrap_or(20).min(100),
            batch: query.parsed("batch"),
        }
    }

    fn action(&self) -> Result<Action, String> {
        let known = known(&self.action).filter(|known| ACTIONS.contains(&known.name));
        let known = known.ok_or_else(|| format!("`{}` can't be done to many.", self.action))?;
        let sent = Sent { output: self.output.clone(), until: self.until.clone(), ..Sent::default() };
        sent.action(known)
    }

    fn batch(&self, wanted: &Wanted, visitor: &Visitor) -> Result<NewBatch, String> {
        if let Some(wrong) = &wanted.wrong {
            return Err(format!("{wrong} says nothing that we know."));
        }
        if self.reason.is_empty() {
            return Err("A reason is needed.".into());
        }
        Ok(NewBatch {
            filter: wanted.filter.clone(),
            action: self.action()?,
            by: By { actor: visitor.subject.clone(), reason: self.reason.clone() },
            canary: self.canary,
            stop_at_error_rate: f64::from(self.stop_at_percent) / 100.0,
        })
    }
}

/// The form.
pub fn form(visitor: &Visitor, wanted: &Wanted, asked: &Asked, wrong: Option<&str>) -> Page {
    Page::new("Act on many", Section::Batches).still(html! {
        section {
            h1 { "Act on many" }
            (which(wanted))
            @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
            @if visitor.may_act() { (fields(visitor, wanted, asked)) }
            @else { div.notice { p { "An auditor reads; acting needs the role " code { "operator" } "." } } }
        }
    })
}

fn fields(visitor: &Visitor, wanted: &Wanted, asked: &Asked) -> Markup {
    html! {
        form.column method="post" action=(PREVIEW) {
            (proof(visitor))
            (hidden(wanted))
            div { label for="action" { "Action" }
                select #action name="action" {
                    @for known in ACTIONS.iter().filter_map(|name| known(name)) {
                        option value=(known.name) selected[known.name == asked.action] { (known.label) }
                    }
                }
            }
            div { label for="reason" { "Reason" } textarea #reason name="reason" required maxlength="2000" { (asked.reason) } }
            details open[!asked.output.is_empty() || !asked.until.is_empty()] {
                summary { "For some actions" }
                div { label for="until" { "Until, in UTC, to extend" } input #until type="datetime-local" step="1" name="until" value=(asked.until); }
                div { label for="output" { "Output, to set it" } textarea.json #output name="output" spellcheck="false" { (asked.output) } }
            }
            div.line {
                div { label for="canary" { "How many go first" } input #canary type="number" name="canary" min="1" max="1000" value=(asked.canary); }
                div { label for="stop_at_percent" { "Stop if more than this many in a hundred come to a bad end" }
                    input #stop_at_percent type="number" name="stop_at_percent" min="0" max="100" value=(asked.stop_at_percent); }
            }
            div.actions { button.main { "Preview" } span.faint { "Nothing is done yet." } }
        }
    }
}

/// What it comes to.
pub async fn preview(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    RawForm(sent): RawForm,
) -> Result<Response, Problem> {
    let (wanted, asked) = read(&sent);
    let new = match asked.batch(&wanted, &visitor) {
        Ok(new) => new,
        Err(wrong) => return Ok(again(&visitor, &wanted, &asked, &wrong)),
    };
    match console.service.operator().preview_batch(&new).await {
        Ok(found) => Ok(page_of_preview(&visitor, &wanted, &asked, &found).answer(&visitor, PREVIEW)),
        Err(error) => refused::answer(&visitor, error, PREVIEW),
    }
}

/// Makes the batch.
pub async fn start(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    RawForm(sent): RawForm,
) -> Result<Response, Problem> {
    let (wanted, asked) = read(&sent);
    let (new, id) = match (asked.batch(&wanted, &visitor), asked.batch) {
        (Ok(new), Some(id)) => (new, id),
        (Ok(_), None) => return Ok(again(&visitor, &wanted, &asked, "Preview it first.")),
        (Err(wrong), _) => return Ok(again(&visitor, &wanted, &asked, &wrong)),
    };
    let operator: Operator = console.service.operator();
    match operator.start_batch(id, new).await {
        Ok(batch) => Ok(Redirect::to(&format!("/console/batches/{}", batch.id)).into_response()),
        Err(error) => refused::answer(&visitor, error, PREVIEW),
    }
}

fn again(visitor: &Visitor, wanted: &Wanted, asked: &Asked, wrong: &str) -> Response {
    form(visitor, wanted, asked, Some(wrong))
        .with_status(StatusCode::UNPROCESSABLE_ENTITY)
        .answer(visitor, PREVIEW)
}

fn read(sent: &[u8]) -> (Wanted, Asked) {
    let query = Query::of(&String::from_utf8_lossy(sent));
    (Wanted::of(&query), Asked::of(&query))
}

fn page_of_preview(visitor: &Visitor, wanted: &Wanted, asked: &Asked, found: &BatchPreview) -> Page {
    let label = known(&asked.action).map_or(asked.action.as_str(), |known| known.label);
    let id = BatchId::random();
    Page::new(format!("Preview: {label}"), Section::Batches).still(html! {
        section {
            h1 { "Preview: " (label.to_lowercase()) ", " (words::thousands(found.count)) @if found.capped { "+" } " sagas" }
            (which(wanted))
            p { "Nothing has been done. The batch takes the sagas that match when it is made." }
            dl.facts {
                dt { "sagas" } dd { strong { (words::thousands(found.count)) } @if found.capped { " and more: one batch takes no more than these" } }
                dt { "at stake" } dd { @if found.stakes.is_empty() { "nothing that is known" } @else { strong { (words::stakes(&found.stakes)) } } }
                dt { "how" } dd { (asked.canary) " go first, then rounds that grow; it stops if more than " (asked.stop_at_percent) " in a hundred come to a bad end" }
                dt { "reason" } dd { "“" (asked.reason) "”" }
            }
            @if found.second_person {
                div.notice.heed { p { strong { "A second person must agree: " } "it moves more money than one person may move alone. It begins when somebody else has." } }
            }
        }
        section {
            h2 { "Some of them" }
            div.wide { table {
                thead { tr { th { "saga" } th { "state" } th { "why it is there" } th.number { "at stake" } } }
                tbody { @for one in &found.sample {
                    tr { td { a href={ "/console/sagas/" (one.id) } { code { (one.id) } } } td { (words::state(one.state)) } td { (one.line) } td.number { (words::stakes(&one.stakes)) } }
                } }
            } }
            @if found.sample.is_empty() { p.faint { "There is none." } }
        }
        @if found.count > 0 {
            section {
                form.actions method="post" action=(START) {
                    (proof(visitor))
                    (hidden(wanted))
                    input type="hidden" name="action" value=(asked.action);
                    input type="hidden" name="reason" value=(asked.reason);
                    input type="hidden" name="output" value=(asked.output);
                    input type="hidden" name="until" value=(asked.until);
                    input type="hidden" name="canary" value=(asked.canary);
                    input type="hidden" name="stop_at_percent" value=(asked.stop_at_percent);
                    input type="hidden" name="batch" value=(id);
                    button.main { (label) ", all of them" }
                    a href=(wanted.path()) { "Leave it" }
                }
            }
        }
    })
}

fn hidden(wanted: &Wanted) -> Markup {
    html! {
        @for (name, value) in wanted.fields() {
            @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
        }
    }
}

/// The filter in words.
fn which(wanted: &Wanted) -> Markup {
    let fields: Vec<(&str, String)> =
        wanted.fields().into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect();
    html! {
        p {
            @if fields.is_empty() { strong { "All sagas there are." } }
            @for (index, (name, value)) in fields.iter().enumerate() {
                @if index > 0 { ", " } (name.replace('_', " ")) " " code.id { (value) }
            }
            " " a href=(wanted.path()) { "See them" }
        }
    }
}

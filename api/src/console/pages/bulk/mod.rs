//! Acting on many sagas: a filter, a preview, and then a batch that can be watched and steered.

mod batch;
mod form;
mod list;

pub use batch::{page as batch, steer};
pub use form::page as form;
pub use list::page as list;

use super::{
    super::{
        batch_form::BatchForm,
        page::{Page, Section, proof},
        queries::{Query, SagaQuery},
        session::Visitor,
        words,
    },
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
use operator::{BatchId, BatchPreview};
use service::operators::{FilterError, Invalid, action_row};

/// The address that the forms are sent to.
const PREVIEW: &str = "/console/bulk";
const START: &str = "/console/bulk/start";

/// Shows what the batch would do.
pub async fn preview(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    RawForm(sent): RawForm,
) -> Result<Response, Problem> {
    let (sagas, sent) = read(&sent);
    let operator = console.service.operator();
    let new = match sent.batch(&sagas, &visitor, &operator).await {
        Ok(new) => new,
        Err(FilterError::Invalid(invalid)) => return Ok(form_with(&visitor, &sagas, &sent, &invalid)),
        Err(FilterError::Operator(error)) => return refused::answer(&visitor, error, PREVIEW),
    };
    let label = action_row(new.action.kind()).label;
    match operator.preview_batch(&new).await {
        Ok(found) => Ok(page_of_preview(&visitor, &sagas, &sent, label, &found).answer(&visitor, PREVIEW)),
        Err(error) => refused::answer(&visitor, error, PREVIEW),
    }
}

/// Makes the batch.
pub async fn start(
    State(console): State<Console>,
    Extension(visitor): Extension<Visitor>,
    RawForm(sent): RawForm,
) -> Result<Response, Problem> {
    let (sagas, sent) = read(&sent);
    let operator = console.service.operator();
    let new = match sent.batch(&sagas, &visitor, &operator).await {
        Ok(new) => new,
        Err(FilterError::Invalid(invalid)) => return Ok(form_with(&visitor, &sagas, &sent, &invalid)),
        Err(FilterError::Operator(error)) => return refused::answer(&visitor, error, PREVIEW),
    };
    let Some(id) = sent.batch else {
        let invalid = Invalid::new("batch", "is missing: open a preview first");
        return Ok(form_with(&visitor, &sagas, &sent, &invalid));
    };
    match operator.start_batch(id, new).await {
        Ok(batch) => Ok(Redirect::to(&format!("/console/batches/{}", batch.id)).into_response()),
        Err(error) => refused::answer(&visitor, error, PREVIEW),
    }
}

/// The form as it was sent, with its mistake.
fn form_with(visitor: &Visitor, sagas: &SagaQuery, sent: &BatchForm, invalid: &Invalid) -> Response {
    form(visitor, sagas, sent, Some(invalid))
        .with_status(StatusCode::UNPROCESSABLE_ENTITY)
        .answer(visitor, PREVIEW)
}

fn read(sent: &[u8]) -> (SagaQuery, BatchForm) {
    let query = Query::of(&String::from_utf8_lossy(sent));
    (SagaQuery::of(&query), BatchForm::of(&query))
}

fn page_of_preview(
    visitor: &Visitor,
    sagas: &SagaQuery,
    sent: &BatchForm,
    label: &str,
    found: &BatchPreview,
) -> Page {
    let id = BatchId::random();
    let more = if found.capped { "more than " } else { "" };
    let count = format!("{more}{}", words::things(found.count, "saga"));
    Page::new(format!("Preview: {label}"), Section::Batches).still(html! {
        section {
            h1 { "Preview: " (label.to_lowercase()) ", " (count) }
            (form::which(sagas))
            p { "Nothing has been done. The batch takes the sagas that match when it is made." }
            dl.facts {
                dt { "sagas" } dd { strong { (words::thousands(found.count)) } @if found.capped { "; more match, but one batch takes only this many" } }
                dt { "at stake" } dd { @if found.stakes.is_empty() { "nothing, as far as is known" } @else { strong { (words::stakes(&found.stakes)) } } }
                dt { "how" } dd { (sent.canary) " go first, then rounds that grow; it stops if more than " (sent.stop_at_percent) " % of a round end badly" }
                dt { "reason" } dd { "“" (sent.reason) "”" }
            }
            @if found.second_person {
                div.notice.heed { p { strong { "A second person must agree: " } "the batch moves more money than one person may move alone. It begins when somebody else has agreed." } }
            }
        }
        (sample(found))
        @if found.count > 0 {
            section {
                form.actions method="post" action=(START) {
                    (proof(visitor))
                    (form::hidden(sagas))
                    (sent.hidden())
                    input type="hidden" name="batch" value=(id);
                    button.main { (label) " (all of them)" }
                    a href=(sagas.path()) { "Back to the list" }
                }
            }
        }
    })
}

fn sample(found: &BatchPreview) -> Markup {
    html! {
        section {
            h2 { "Examples" }
            div.wide { table {
                thead { tr { th { "saga" } th { "state" } th { "why it is there" } th.number { "at stake" } } }
                tbody { @for one in &found.sample {
                    tr { td { a href={ "/console/sagas/" (one.id) } { code { (one.id) } } } td { (words::state(one.state)) } td { (one.line) } td.number { (words::stakes(&one.stakes)) } }
                } }
            } }
            @if found.sample.is_empty() { p.faint { "No saga matches." } }
        }
    }
}

//! Pages that say why nothing was done to a proposal or a batch.

use super::super::{
    page::{Page, Section},
    session::Visitor,
    words,
};
use crate::http::Problem;
use axum::{http::StatusCode, response::Response};
use maud::{Markup, html};
use operator::OperatorError;
use service::operators::Invalid;

/// The notice on a form that says what is wrong with it.
pub fn invalid(invalid: &Invalid) -> Markup {
    let field = words::label(invalid.field);
    html! { p.wrong role="alert" { strong { (field) } " " (invalid.detail) "." } }
}

/// The page for a form that has no fields to correct, such as a button.
pub fn answer_invalid(visitor: &Visitor, wrong: &Invalid, back: &str) -> Response {
    let page = Page::new("Nothing was done", Section::WorkList).with_status(StatusCode::UNPROCESSABLE_ENTITY);
    let page = page.still(html! {
        section {
            h1 { "Nothing was done" }
            (invalid(wrong))
            p { a href=(back) { "Back" } }
        }
    });
    page.answer(visitor, back)
}

/// A page for a change that a colleague or a lane made meanwhile, and for what is not allowed. Other errors are problems.
///
/// # Errors
/// Every other error.
pub fn answer(visitor: &Visitor, error: OperatorError, back: &str) -> Result<Response, Problem> {
    let (status, why) = match &error {
        OperatorError::Changed { .. } => {
            (StatusCode::PRECONDITION_FAILED, "The saga has changed since this was proposed.")
        }
        OperatorError::PlanChanged(_) => {
            (StatusCode::CONFLICT, "The action would no longer do what was proposed.")
        }
        OperatorError::NotAllowed { .. } => (StatusCode::CONFLICT, "The action is not allowed."),
        OperatorError::SamePerson(_) => {
            (StatusCode::CONFLICT, "The person who proposed it can't agree to it.")
        }
        OperatorError::Closed { .. } => (StatusCode::CONFLICT, "It has been decided already."),
        OperatorError::Anonymous => (StatusCode::UNPROCESSABLE_ENTITY, "A reason is needed."),
        OperatorError::NotFound(_)
        | OperatorError::NeedsConsent(_)
        | OperatorError::NoProposal(_)
        | OperatorError::NoBatch(_)
        | OperatorError::Database(_)
        | OperatorError::Failed(_) => return Err(error.into()),
    };
    let page = Page::new("Nothing was done", Section::WorkList).with_status(status).still(html! {
        section {
            h1 { "Nothing was done" }
            div.notice.heed { p { (why) } p { (error) "." } }
            p { a href=(back) { "Back" } }
        }
    });
    Ok(page.answer(visitor, back))
}

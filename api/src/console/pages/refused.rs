//! Why nothing was done to a proposal or a batch.

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

/// What is wrong with a form, on the form itself.
pub fn invalid(invalid: &Invalid) -> Markup {
    let field = words::label(invalid.field);
    html! { p.wrong role="alert" { strong { (field) } " " (invalid.detail) "." } }
}

/// The page of a form without fields to come back to, such as a button's.
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

/// A page for what a colleague or a lane did meanwhile, and for what is not allowed; other errors are problems.
///
/// # Errors
/// Those.
pub fn answer(visitor: &Visitor, error: OperatorError, back: &str) -> Result<Response, Problem> {
    let (status, why) = match &error {
        OperatorError::Changed { .. } => {
            (StatusCode::PRECONDITION_FAILED, "The saga has changed since this was proposed.")
        }
        OperatorError::PlanChanged(_) => {
            (StatusCode::CONFLICT, "It would do something else now than was proposed.")
        }
        OperatorError::NotAllowed { .. } => (StatusCode::CONFLICT, "It is not allowed."),
        OperatorError::SamePerson(_) => (StatusCode::CONFLICT, "Whoever proposed it can't agree to it."),
        OperatorError::Closed { .. } => (StatusCode::CONFLICT, "It is decided already."),
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

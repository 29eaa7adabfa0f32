//! Every answer that is an error: RFC 9457 problems, from one closed list.
//!
//! A handler returns a [`Problem`]; it knows the case but not the request. [`super::context`], which knows the
//! request's id and trace, writes the body and logs the error behind it once. The caller never sees that error.

mod body;
mod database;
mod engine;
mod kind;
mod operator;
mod page;
mod service;

pub use body::{FieldError, LostReason, LostSeat, ProblemBody};
pub use kind::ProblemType;
pub use page::pages;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use std::{error::Error, sync::Arc, time::Duration};

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// One problem of one request.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What kind of problem it is.
    pub kind: ProblemType,
    // Boxed, because every fallible function of the API carries one in its result.
    case: Box<Case>,
}

/// What is special about this case.
#[derive(Clone, Debug, Default)]
struct Case {
    detail: String,
    errors: Vec<FieldError>,
    seats: Vec<LostSeat>,
    state: Option<String>,
    allowed: Vec<String>,
    headers: HeaderMap,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with a sentence about this case.
    pub fn new(kind: ProblemType, detail: impl Into<String>) -> Self {
        Self { kind, case: Box::new(Case { detail: detail.into(), ..Case::default() }) }
    }

    /// A mistake of ours: an opaque 500. `source` is logged with the trace id and never shown.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ProblemType::Internal, "report the trace id: it leads us to the cause").because(source)
    }

    /// 404: it doesn't exist, or this caller may not see it.
    pub fn not_found() -> Self {
        Self::new(ProblemType::NotFound, "there is nothing here, or nothing that you may see")
    }

    /// 422 with the fields that are wrong.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("`{}`: {}", one.pointer, one.detail),
            many => format!("{} fields are not valid", many.len()),
        };
        let mut problem = Self::new(ProblemType::Validation, detail);
        problem.case.errors = errors;
        problem
    }

    /// 422 with one wrong field.
    pub fn wrong_field(pointer: &str, detail: impl Into<String>) -> Self {
        Self::validation(vec![FieldError { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    /// 409 with the seats that can't be had.
    pub fn seats_unavailable(seats: Vec<LostSeat>) -> Self {
        let detail = format!("seats that are not available: {}", seats.len());
        let mut problem = Self::new(ProblemType::SeatUnavailable, detail);
        problem.case.seats = seats;
        problem
    }

    /// 409 with the state and those in which the request would have been possible.
    pub fn invalid_state(detail: impl Into<String>, state: &str, allowed: &[&str]) -> Self {
        let mut problem = Self::new(ProblemType::InvalidState, detail).allowing(allowed);
        problem.case.state = Some(state.to_owned());
        problem
    }

    /// Adds what would have been allowed.
    pub fn allowing(mut self, allowed: &[&str]) -> Self {
        self.case.allowed = allowed.iter().map(|one| (*one).to_owned()).collect();
        self
    }

    /// Adds the time after which the request may be repeated.
    pub fn retry_after(self, wait: Duration) -> Self {
        self.with_header(header::RETRY_AFTER, super::wait::seconds_up(wait).into())
    }

    /// Adds a header.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.case.headers.insert(name, value);
        self
    }

    /// Adds the error behind it, for our log.
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.case.source = Some(Arc::from(source.into()));
        self
    }

    /// The error behind it, for the log.
    pub fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.case.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }

    /// The sentence about this case.
    pub fn detail(&self) -> &str {
        &self.case.detail
    }

    /// The body of the answer.
    pub fn body(&self, request_id: &str, trace_id: &str) -> ProblemBody {
        let case = self.case.as_ref().clone();
        ProblemBody {
            kind: format!("/problems/{}", self.kind.slug()),
            title: self.kind.title(),
            status: self.kind.status().as_u16(),
            detail: case.detail,
            instance: format!("/requests/{request_id}"),
            code: self.kind.slug(),
            errors: case.errors,
            seats: case.seats,
            state: case.state,
            allowed: case.allowed,
            trace_id: trace_id.to_owned(),
        }
    }
}

/// Status and headers; the body follows in [`super::context`], which finds the problem in the extensions.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.kind.status(), Body::empty()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.case.headers.clone());
        if self.kind == ProblemType::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"usher\""));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

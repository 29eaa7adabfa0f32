//! The stored answer to a request with an effect, so that a repetition gets the same answer.

use super::super::{
    problem::{Problem, ProblemType},
    wait::{LOOK_AGAIN, retry_after},
};
use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The end of a request that was not refused before its effect.
pub enum Done {
    /// It had its effect. The answer is kept.
    Effect(Answer),
    /// It had its effect, and the effect failed. The refusal is kept.
    Refusal(Problem),
    /// It had no effect. The key is free again.
    NoEffect(Response),
}

/// The parts of a refusal that are kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    code: String,
    detail: String,
}

/// Status, body and location.
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    /// The body, as JSON.
    pub body: String,
    /// The address of what was made, for `Location`.
    pub location: Option<String>,
}

impl Answer {
    /// The answer to a request that had its effect.
    ///
    /// # Errors
    /// The body can't be written as JSON.
    pub fn new<T: Serialize>(status: StatusCode, location: String, body: &T) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Self { status, body, location: Some(location) })
    }

    /// Reads a stored answer.
    ///
    /// # Errors
    /// The status is not an HTTP status, which the table's CHECK excludes.
    pub fn stored(status: i16, body: String, location: Option<String>) -> Result<Self, Problem> {
        let status = StatusCode::from_u16(status.unsigned_abs()).map_err(Problem::internal)?;
        Ok(Self { status, body, location })
    }

    /// The value of the status' column.
    pub fn status_number(&self) -> i16 {
        i16::try_from(self.status.as_u16()).expect("an HTTP status is below 1000")
    }

    /// A refusal that came after the effect. What belongs to the request, its id and trace, is not kept.
    ///
    /// # Errors
    /// None in practice, because the parts are text.
    pub fn refusal(problem: &Problem) -> Result<Self, Problem> {
        let kept = Kept { code: problem.kind.slug().into(), detail: problem.detail().into() };
        let body = serde_json::to_string(&kept).map_err(Problem::internal)?;
        Ok(Self { status: problem.kind.status(), body, location: None })
    }

    /// The answer to the first request.
    pub fn first(self) -> Response {
        if !self.status.is_success() {
            return kept_problem(&self.body).into_response();
        }
        let mut response = (self.status, Body::from(self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            headers.insert(header::LOCATION, location);
        }
        if self.status == StatusCode::ACCEPTED { retry_after(response, LOOK_AGAIN) } else { response }
    }

    /// The answer to a repetition.
    pub fn replayed(self) -> Response {
        let mut response = self.first();
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
        response
    }
}

fn kept_problem(body: &str) -> Problem {
    let kept = serde_json::from_str::<Kept>(body).ok();
    kept.and_then(|kept| Some(Problem::new(ProblemType::of_slug(&kept.code)?, kept.detail)))
        .unwrap_or_else(|| Problem::internal("a stored refusal can't be read"))
}

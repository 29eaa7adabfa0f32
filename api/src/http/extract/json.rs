//! JSON bodies.

use super::{
    super::problem::{Problem, ProblemType},
    fields::{self, FromFields, Members},
};
use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, header},
};
use serde_json::error::Category;
use sha2::{Digest, Sha256};

/// The largest body that the API reads. Its largest request, ten seats, takes half a KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// A JSON body that held a `T`, with a digest of its content.
pub struct JsonBody<T> {
    /// The request that the body held.
    pub value: T,
    /// SHA-256 of the body in a canonical form, so that a repetition may be formatted differently.
    pub digest: [u8; 32],
}

impl<S: Send + Sync, T: FromFields> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body must be sent as `application/json`";
            return Err(
                Problem::new(ProblemType::UnsupportedMediaType, detail).allowing(&["application/json"])
            );
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection))?;
        let members: Members = serde_json::from_slice(&bytes).map_err(|error| unparsed(&error))?;
        let digest = digest(&members);
        Ok(Self { value: fields::read(members)?, digest })
    }
}

/// The digest ignores the order of members, white space and the spelling of strings.
fn digest(members: &Members) -> [u8; 32] {
    let mut sorted: Vec<_> = members.0.iter().collect();
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    let mut hash = Sha256::new();
    for (name, value) in sorted {
        // A JSON string ends unambiguously, so pairs can't run into each other.
        hash.update(serde_json::Value::from(name.as_str()).to_string());
        hash.update(value.to_string());
    }
    hash.finalize().into()
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let mut parts = kind.split(';').map(str::trim);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"));
    let utf8 = |parameter: &str| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    essence && parts.all(utf8)
}

/// The problem of a body that is too large, or that the caller stopped sending.
pub fn unread(rejection: &BytesRejection) -> Problem {
    if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(ProblemType::PayloadTooLarge, "the body is too large")
    } else {
        Problem::new(ProblemType::MalformedRequest, "the body ended too early")
    }
}

fn unparsed(error: &serde_json::Error) -> Problem {
    let place = format!("line {}, column {}", error.line(), error.column());
    let detail = match error.classify() {
        Category::Data => "the body must be a JSON object".to_owned(),
        Category::Eof => format!("the JSON ends too early, at {place}"),
        Category::Syntax | Category::Io => format!("the body is not JSON, at {place}"),
    };
    match error.classify() {
        Category::Data => Problem::wrong_field("", "must be a JSON object"),
        Category::Eof | Category::Syntax | Category::Io => {
            Problem::new(ProblemType::MalformedRequest, detail)
        }
    }
}

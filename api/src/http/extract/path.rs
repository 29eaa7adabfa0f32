//! Ids in paths and parameters in queries.

use super::super::problem::{Problem, ProblemType};
use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// The id that a path ends with. Text that can't be an id names nothing: 404.
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|Path(text)| text.parse().ok());
        id.map(Self).ok_or_else(Problem::not_found)
    }
}

/// Query parameters. Unreadable ones are a malformed request: 400.
pub struct Params<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(Problem::new(ProblemType::MalformedRequest, rejection.body_text())),
        }
    }
}

/// The problem of a parameter whose value is not allowed.
pub fn bad_parameter(name: &str, detail: &str) -> Problem {
    Problem::new(ProblemType::MalformedRequest, format!("`{name}` {detail}"))
}

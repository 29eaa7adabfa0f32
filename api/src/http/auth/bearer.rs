//! From a request's token to its bearer.

use super::{
    caller::Caller,
    token::{Token, TokenHash},
};
use crate::http::{
    app::App,
    problem::{Problem, ProblemType},
    store,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use std::time::Instant;

impl Caller {
    /// The bearer of the token with this hash, as of at most [`BELIEVED_FOR`](super::BELIEVED_FOR) ago; `None` if there is no
    /// such token.
    ///
    /// # Errors
    /// 503 if the database can't be asked.
    pub async fn of_hash(app: &App, hash: &TokenHash) -> Result<Option<Self>, Problem> {
        let now = Instant::now();
        if let Some(caller) = app.tokens.get(hash, now) {
            return Ok(Some(caller));
        }
        let found = store::tokens::find(&mut *app.service.connection().await?, hash).await?;
        if let Some(caller) = &found {
            app.tokens.put(*hash, caller.clone(), now);
        }
        Ok(found)
    }
}

/// 401 without a valid token; 429 for a customer that asks too often.
impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let hash = bearer(&parts.headers)?.hash();
        let caller = Self::of_hash(app, &hash).await?;
        let caller = caller.ok_or_else(|| unauthenticated("the token is unknown, revoked or expired"))?;
        if let Some(user) = caller.user {
            app.quotas.take(user.uuid())?;
        }
        Ok(caller)
    }
}

fn bearer(headers: &HeaderMap) -> Result<Token, Problem> {
    let value = headers.get(header::AUTHORIZATION).ok_or_else(|| unauthenticated("there is no token"))?;
    let credentials = value.to_str().ok().and_then(|value| value.split_once(' '));
    credentials
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| Token::of_bearer(token.trim()))
        .ok_or_else(|| unauthenticated("`Authorization` does not hold a token of this service"))
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(ProblemType::Unauthenticated, detail)
}

//! Who is asking: bearer tokens with a role and a subject.

mod cache;
mod issue;
mod role;
mod token;

pub use cache::{BELIEVED_FOR, TokenCache};
pub use issue::{issue, issue_customer};
pub use role::Role;
pub use token::{Token, TokenHash};

use super::{
    app::App,
    problem::{Problem, ProblemType},
    store,
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use std::time::Instant;
use steps::UserId;

/// The bearer of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What it may do.
    pub role: Role,
    /// Who it is, in words that stand in audits.
    pub subject: String,
    /// The user that a customer is.
    pub user: Option<UserId>,
}

impl Caller {
    /// Who bears the token of this hash, as it was at most [`BELIEVED_FOR`] ago; `None` if nobody does.
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

    /// Whose idempotency keys these are.
    pub fn principal(&self) -> String {
        match self.user {
            Some(user) => format!("{}:{user}", self.role),
            None => format!("{}:{}", self.role, self.subject),
        }
    }

    /// Whether something of `owner`'s may be seen. What may not is 404, so that nothing leaks.
    pub fn may_see(&self, owner: UserId) -> bool {
        match self.role {
            Role::Customer => self.user == Some(owner),
            Role::Service | Role::Operator | Role::Auditor => true,
        }
    }

    /// Refuses those who may not look at sagas.
    ///
    /// # Errors
    /// 403 for customers and services.
    pub fn may_look(&self) -> Result<(), Problem> {
        match self.role {
            Role::Operator | Role::Auditor => Ok(()),
            Role::Customer | Role::Service => Err(self.refused("look at sagas", &["operator", "auditor"])),
        }
    }

    /// Refuses those who may not act on sagas.
    ///
    /// # Errors
    /// 403 for all but operators.
    pub fn may_operate(&self) -> Result<(), Problem> {
        match self.role {
            Role::Operator => Ok(()),
            Role::Auditor | Role::Customer | Role::Service => {
                Err(self.refused("act on sagas", &["operator"]))
            }
        }
    }

    /// Refuses those who may not book.
    ///
    /// # Errors
    /// 403 for operators and auditors.
    pub fn may_book(&self) -> Result<(), Problem> {
        match self.role {
            Role::Customer | Role::Service => Ok(()),
            Role::Operator | Role::Auditor => Err(self.refused("book", &["customer", "service"])),
        }
    }

    fn refused(&self, what: &str, allowed: &[&str]) -> Problem {
        let detail = format!("a token of role `{}` may not {what}", self.role);
        Problem::new(ProblemType::Forbidden, detail).allowing(allowed)
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
        .ok_or_else(|| unauthenticated("`Authorization` holds no token of ours"))
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(ProblemType::Unauthenticated, detail)
}

//! Who is asking: bearer tokens with a role and a subject.

mod cache;
mod token;

pub use cache::{BELIEVED_FOR, TokenCache};
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
use clap::ValueEnum;
use std::{fmt, time::Instant};
use uuid::Uuid;

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Books for itself and sees only what is its own.
    Customer,
    /// A program that books for users.
    Service,
    /// Reads everything and repairs sagas.
    Operator,
    /// Reads everything.
    Auditor,
}

/// The bearer of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What it may do.
    pub role: Role,
    /// Who it is, in words that stand in audits.
    pub subject: String,
    /// The user that a customer is.
    pub user: Option<Uuid>,
}

impl Caller {
    /// Whose idempotency keys these are.
    pub fn principal(&self) -> String {
        format!("{}:{}", self.role, self.subject)
    }

    /// Whether something of `owner`'s may be seen. What may not is 404, so that nothing leaks.
    pub fn may_see(&self, owner: Uuid) -> bool {
        match self.role {
            Role::Customer => self.user == Some(owner),
            Role::Service | Role::Operator | Role::Auditor => true,
        }
    }

    /// Refuses those who may not book.
    ///
    /// # Errors
    /// 403 for operators and auditors.
    pub fn may_book(&self) -> Result<(), Problem> {
        match self.role {
            Role::Customer | Role::Service => Ok(()),
            Role::Operator | Role::Auditor => {
                let detail = format!("a token of role `{}` may not book", self.role);
                Err(Problem::new(ProblemType::Forbidden, detail).allowing(&["customer", "service"]))
            }
        }
    }
}

impl Role {
    /// The word, as the column holds it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Service => "service",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }

    /// The role of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Customer, Self::Service, Self::Operator, Self::Auditor]
            .into_iter()
            .find(|role| role.as_str() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// 401 without a valid token; 429 for a customer that asks too often.
impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?;
        let (hash, now) = (token.hash(), Instant::now());
        let caller = match app.tokens.get(&hash, now) {
            Some(caller) => caller,
            None => {
                let found = store::tokens::find(&app.pool, &hash).await?;
                let caller =
                    found.ok_or_else(|| unauthenticated("the token is unknown, revoked or expired"))?;
                app.tokens.put(hash, caller.clone(), now);
                caller
            }
        };
        if let Some(user) = caller.user {
            app.quotas.take(user)?;
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

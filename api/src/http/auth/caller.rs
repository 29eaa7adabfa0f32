//! Who is asking, and what that role may do.

use super::role::Role;
use crate::http::problem::{Problem, ProblemType};
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

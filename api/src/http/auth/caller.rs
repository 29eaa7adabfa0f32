//! Who is asking, and what that role may do.

use super::role::Role;
use crate::http::problem::{Problem, ProblemType};
use steps::UserId;

/// The bearer of a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The bearer's role.
    pub role: Role,
    /// The bearer's name in audits.
    pub subject: String,
    /// The user, if the bearer is a customer.
    pub user: Option<UserId>,
}

impl Caller {
    /// The owner of this caller's idempotency keys.
    pub fn principal(&self) -> String {
        match self.user {
            Some(user) => format!("{}:{user}", self.role),
            None => format!("{}:{}", self.role, self.subject),
        }
    }

    /// Whether the caller may see things of `owner`. What it may not see is 404, so that nothing leaks.
    pub fn may_see(&self, owner: UserId) -> bool {
        match self.role {
            Role::Customer => self.user == Some(owner),
            Role::Service | Role::Operator | Role::Auditor => true,
        }
    }

    /// Refuses callers who may not look at sagas.
    ///
    /// # Errors
    /// 403 for customers and services.
    pub fn may_look(&self) -> Result<(), Problem> {
        match self.role {
            Role::Operator | Role::Auditor => Ok(()),
            Role::Customer | Role::Service => Err(self.refused("look at sagas", &["operator", "auditor"])),
        }
    }

    /// Refuses callers who may not act on sagas.
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

    /// Refuses callers who may not book.
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

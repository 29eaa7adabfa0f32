//! Who looks at a page.

use super::Session;
use crate::console::Console;
use crate::http::{
    Problem,
    auth::{Caller, Role},
};
use chrono::{DateTime, Utc};

/// An operator or an auditor who has signed in.
#[derive(Clone)]
pub struct Visitor {
    /// As audits name them.
    pub subject: String,
    /// What they may do.
    pub role: Role,
    /// What their forms carry.
    pub proof: String,
    session: Session,
}

impl Visitor {
    /// Who a session belongs to, if its token still holds and is of a role that may come in.
    ///
    /// # Errors
    /// The database's.
    pub async fn of(console: &Console, session: Session) -> Result<Option<Self>, Problem> {
        let caller = Caller::of_hash(&console.http, &session.token()).await?;
        Ok(caller.filter(|caller| may_enter(caller.role)).map(|Caller { subject, role, .. }| Self {
            subject,
            role,
            proof: session.proof(&console.key),
            session,
        }))
    }

    /// Whether they see forms and buttons.
    pub fn may_act(&self) -> bool {
        self.role == Role::Operator
    }

    /// Whether this session still holds: asked again and again by what outlives a request.
    pub async fn is_still_there(&self, console: &Console, now: DateTime<Utc>) -> bool {
        // While the database can't be asked nobody is sent away; nothing can be read either.
        self.session.ends_at() > now && !matches!(Self::of(console, self.session).await, Ok(None))
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

/// Customers and services book; they have nothing to look for here.
pub fn may_enter(role: Role) -> bool {
    match role {
        Role::Operator | Role::Auditor => true,
        Role::Customer | Role::Service => false,
    }
}

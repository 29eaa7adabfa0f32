//! The person who looks at a page.

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
    /// Their name in audits.
    pub subject: String,
    /// Their role.
    pub role: Role,
    /// The proof that their forms carry.
    pub proof: String,
    session: Session,
}

impl Visitor {
    /// The person that a session belongs to, if its token is still valid and its role may use the console.
    ///
    /// # Errors
    /// The database failed.
    pub async fn of(console: &Console, session: Session) -> Result<Option<Self>, Problem> {
        let caller = Caller::of_hash(&console.http, &session.token()).await?;
        Ok(caller.filter(|caller| may_enter(caller.role)).map(|Caller { subject, role, .. }| Self {
            subject,
            role,
            proof: session.proof(&console.key),
            session,
        }))
    }

    /// Whether they may act, and so see forms and buttons.
    pub fn may_act(&self) -> bool {
        self.role == Role::Operator
    }

    /// Whether this session is still valid. Streams, which outlive a request, ask this again and again.
    pub async fn is_still_there(&self, console: &Console, now: DateTime<Utc>) -> bool {
        // While the database is away nobody is signed out; nothing can be read either.
        self.session.ends_at() > now && !matches!(Self::of(console, self.session).await, Ok(None))
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }
}

/// Whether a role may use the console. Customers and services may not: they only book.
pub fn may_enter(role: Role) -> bool {
    match role {
        Role::Operator | Role::Auditor => true,
        Role::Customer | Role::Service => false,
    }
}

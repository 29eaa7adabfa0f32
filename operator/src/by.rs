//! Who acts, and what they have seen.

use crate::error::OperatorError;

/// The person who acts, and the reason. Neither may be empty.
#[derive(Clone, Debug)]
pub struct By {
    /// The person's name in the audit.
    pub actor: String,
    /// The reason, for those who read the audit later.
    pub reason: String,
}

impl By {
    /// This person, for this reason.
    pub fn new(actor: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { actor: actor.into(), reason: reason.into() }
    }

    pub(crate) fn checked(&self) -> Result<(), OperatorError> {
        let said = !self.actor.trim().is_empty() && !self.reason.trim().is_empty();
        if said { Ok(()) } else { Err(OperatorError::Anonymous) }
    }
}

/// What an operator has seen before deciding.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The saga's version: [`Plan::etag`](crate::Plan::etag) or [`Seen::etag`](crate::Seen::etag).
    pub etag: String,
    /// The plan's hash, if there was a preview.
    pub plan_hash: Option<String>,
}

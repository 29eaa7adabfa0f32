//! The errors of steps and workflows.

use crate::{
    database_fault::sqlstate,
    record::{Cause, Rejected},
};
use serde::{Deserialize, Serialize};
use std::{error::Error, time::Duration};

/// Why a step has no output this time.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// It was certainly not done and will not be. This is a business answer: it is journaled and given to the workflow.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Not yet: try again after this long. This uses up the policy's time but none of its attempts. A `Tx` step that returns
    /// this, or `Rejected`, has written nothing, so the other sagas of its set are not rolled back because of it.
    #[error("not yet, try again in {0:?}")]
    Later(Duration),
    /// The database refused a statement. In a `Tx` step the effect is rolled back; in a call it is unclear.
    #[error("the database refused a statement")]
    Database(#[from] sqlx::Error),
    /// The other side contradicts what we asked for: the saga stops for a person.
    #[error("contradiction: {0}")]
    Contradiction(String),
    /// Nobody knows whether it was done. It is tried again under the same key.
    #[error("outcome unknown")]
    Unclear {
        /// What happened instead of an answer.
        source: Box<dyn Error + Send + Sync>,
        /// The other side's code for it: [`StepError::unclear_with_code`].
        code: Option<String>,
    },
}

impl StepError {
    /// A business refusal with a code for programs and a detail for people.
    pub fn rejected(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Rejected::new(code, detail).into()
    }

    /// An outcome that nobody knows.
    pub fn unclear(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unclear { source: source.into(), code: None }
    }

    /// An outcome that nobody knows, with the other side's code for it. Operators see the code, and sagas that fail with the
    /// same code form a group. So it must be short, say whose code it is, and name no request: `gateway 402`, not
    /// `request 7f3a failed`.
    pub fn unclear_with_code(
        code: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unclear { source: source.into(), code: Some(code.into()) }
    }

    /// The code of the side that failed.
    pub(crate) fn code(&self) -> Option<String> {
        match self {
            Self::Unclear { code, .. } => code.clone(),
            Self::Database(error) => sql_code(error),
            Self::Rejected(rejected) => Some(rejected.code.clone()),
            Self::Later(_) | Self::Contradiction(_) => None,
        }
    }

    /// The whole chain in one line, for journals and operators.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(inner) = source {
            text.push_str(": ");
            text.push_str(&inner.to_string());
            source = inner.source();
        }
        text
    }
}

/// Postgres's code for a refused statement.
pub(crate) fn sql_code(error: &sqlx::Error) -> Option<String> {
    sqlstate(error).map(|code| format!("sql {code}"))
}

/// The deadline of a wait passed before its signal was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("no `{signal}` was received before the deadline")]
pub struct Expired {
    /// The signal that was waited for.
    pub signal: String,
}

/// The error that a workflow returns to turn back. `?` makes it from [`Rejected`] and [`Expired`].
#[derive(Clone, Debug, PartialEq)]
pub struct Failure(pub(crate) Cause);

impl Failure {
    /// A decision of the workflow itself.
    pub fn because(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self(Cause::Rejected(Rejected::new(code, detail)))
    }
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Self {
        Self(Cause::Rejected(rejected))
    }
}

impl From<Expired> for Failure {
    fn from(expired: Expired) -> Self {
        Self(Cause::Expired { signal: expired.signal })
    }
}

//! A call to the outside, made with a timeout and guarded against panics, and its result.

use crate::{
    error::StepError,
    id::SagaId,
    medium::CallContext,
    record::{Json, Position, Rejected, StuckCause},
    registry::{AnswerKind, AnyStep, CallAnswer, ErasedStep},
    texts::stored,
};
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

/// A call that its commit allows.
#[derive(Clone)]
pub(crate) struct CallOut {
    pub saga: SagaId,
    pub token: i64,
    /// How long its lease lasts, counted from the beginning of its batch.
    pub lease: Duration,
    pub step: Arc<dyn ErasedStep>,
    pub value: AnyStep,
    pub direction: Direction,
    pub probe: bool,
    pub context: CallContext,
}

/// The direction of a call.
#[derive(Clone, Debug)]
pub(crate) enum Direction {
    /// The workflow's request with this number.
    Forward { ask: u32 },
    /// The compensation of the step that began there.
    Back { of: Position, made: Option<Json> },
}

/// How a call ended.
#[derive(Clone)]
pub(crate) struct CallEnded {
    pub saga: SagaId,
    pub token: i64,
    pub step: Arc<dyn ErasedStep>,
    pub value: AnyStep,
    pub direction: Direction,
    /// The database's time when it was handed out.
    pub began_at: DateTime<Utc>,
    pub answer: Result<CallAnswer, CallFailure>,
}

/// Why a call, or a `Tx` step, has no output this time.
#[derive(Clone, Debug)]
pub(crate) enum CallFailure {
    Rejected(Rejected),
    Later(Duration),
    Unclear {
        error: String,
        code: Option<String>,
    },
    Contradiction(String),
    Panicked(String),
    /// It was done, but its output can't be journaled.
    Poison(StuckCause),
}

impl CallFailure {
    /// The outcome is unknown, and there is no code for it.
    pub fn unclear(error: impl Into<String>) -> Self {
        Self::Unclear { error: error.into(), code: None }
    }
}

impl From<StepError> for CallFailure {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Rejected(rejected) => {
                let (code, detail) = (stored(rejected.code), stored(rejected.detail));
                Self::Rejected(Rejected { code, detail, ..rejected })
            }
            StepError::Later(after) => Self::Later(after),
            StepError::Contradiction(detail) => Self::Contradiction(stored(detail)),
            error @ (StepError::Database(_) | StepError::Unclear { .. }) => {
                Self::Unclear { error: stored(error.chain()), code: error.code().map(stored) }
            }
        }
    }
}

impl CallOut {
    /// The end of a call that was not made: it certainly had no effect, and is tried again at once.
    pub fn not_made(self) -> CallEnded {
        let Self { saga, token, step, value, direction, context, .. } = self;
        let answer = Err(CallFailure::Later(Duration::ZERO));
        CallEnded { saga, token, step, value, direction, began_at: context.now, answer }
    }

    /// Makes the call with its timeout. A panic affects only this call.
    pub async fn make(self) -> CallEnded {
        let Self { saga, token, step, value, direction, probe, context, .. } = self;
        let began_at = context.now;
        let (kind, timeout) = match &direction {
            Direction::Forward { .. } if probe => (AnswerKind::Probe, step.policy().timeout),
            Direction::Forward { .. } => (AnswerKind::Run, step.policy().timeout),
            Direction::Back { made, .. } => {
                (AnswerKind::Undo { made: made.clone() }, step.undo_policy().timeout)
            }
        };
        // The call itself is made inside, so that what it does before its first await is guarded too.
        let called = AssertUnwindSafe(async { step.call(value.clone(), kind, context).await }).catch_unwind();
        let answer = match tokio::time::timeout(timeout, called).await {
            Ok(Ok(answer)) => answer.map_err(CallFailure::from),
            Ok(Err(panic)) => Err(CallFailure::Panicked(panic_message(panic.as_ref()))),
            Err(_) => {
                let error = format!("no answer within {timeout:?}");
                Err(CallFailure::Unclear { error, code: Some("timeout".into()) })
            }
        };
        CallEnded { saga, token, step, value, direction, began_at, answer }
    }
}

/// The message of a panic.
pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    stored(text.unwrap_or_else(|| "a panic without words".into()))
}

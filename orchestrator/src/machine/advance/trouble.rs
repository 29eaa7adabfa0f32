//! Failed attempts for people: the attempts themselves, and the trouble of the saga because of them.

use crate::{
    journal::{Ask, What},
    machine::{call::CallFailure, env::Env, run::Run},
    record::{State, StuckCause, Trouble},
    registry::ErasedStep,
    store::{attempts, troubles::Mark},
};

impl Run {
    /// Notes an attempt that failed without an entry.
    pub(super) fn note_attempt(&mut self, step: &dyn ErasedStep, failure: &CallFailure, env: &Env<'_>) {
        let history = self.core.history();
        let undo = history.undo_cause().is_some();
        let open = open_call(history.asks()).map(|ask| ask.first);
        let position = if undo { history.next_undo().map(|ask| ask.first) } else { open };
        let position = position.unwrap_or_else(|| (history.len() as i32).into());
        drop(history);
        let may_be_done = match failure {
            CallFailure::Unclear { .. } | CallFailure::Panicked(_) | CallFailure::Poison(_) => true,
            CallFailure::Rejected(_) | CallFailure::Later(_) | CallFailure::Contradiction(_) => false,
        };
        let in_doubt = !undo && !step.ours() && open.is_some() && may_be_done;
        let (error, code) = failure.error_and_code();
        self.at = Some(step.name());
        self.trying.trouble = match self.trying.trouble {
            // A compensation that is only put off has not failed.
            before if undo && matches!(failure, CallFailure::Later(_)) => before.or(Some(Trouble::Retrying)),
            _ if undo => Some(Trouble::Owed),
            // A later attempt that certainly did nothing says nothing about an earlier one.
            Some(Trouble::InDoubt) => Some(Trouble::InDoubt),
            _ if in_doubt => Some(Trouble::InDoubt),
            _ => Some(Trouble::Retrying),
        };
        let came_home = self.came_home.filter(|_| !step.ours());
        self.failed.push(attempts::Ended {
            saga: self.id(),
            // A call was made under the previous claim.
            epoch: if came_home.is_some() { self.row.epoch } else { self.row.epoch + 1 },
            position,
            undo,
            number: self.trying.attempts,
            began_at: came_home.unwrap_or(env.now),
            error,
            code,
            in_doubt,
        });
    }

    /// The last holder was lost: if a call was out, nobody knows its outcome.
    pub fn take_over(&mut self) {
        let history = self.core.history();
        let calling = history.undo_cause().is_none() && open_call(history.asks()).is_some();
        drop(history);
        if calling {
            self.trying.trouble = Some(Trouble::InDoubt);
        }
    }

    /// The trouble to write into the saga's row; `None` if the row already has it.
    pub fn mark(&self, env: &Env<'_>) -> Option<Mark> {
        let parked = self.parked.as_ref()?;
        let trouble = if parked.state.at_rest() { None } else { self.trouble() };
        let stuck = parked.stuck.as_ref();
        let was = self.row.trying.trouble.is_some() || self.row.state == State::Stuck;
        if trouble.is_none() && stuck.is_none() {
            let nothing = || Mark {
                saga: self.id(),
                cause: None,
                code: None,
                trouble: None,
                stuck: false,
                stakes: None,
            };
            return was.then(nothing);
        }
        let same = trouble == self.row.trying.trouble && stuck == self.row.stuck.as_ref();
        if same && self.failed.is_empty() {
            return None;
        }
        let code = self.failed.last().and_then(|attempt| attempt.code.clone());
        let (workflow, version) = (&self.row.workflow, self.row.version);
        let what = match (stuck, trouble) {
            (Some(cause), _) => cause.in_common(workflow, version),
            (None, trouble) => format!("{workflow} v{version}: {}", self.in_words(trouble)),
        };
        let cause = match code.as_ref().filter(|_| stuck.is_none_or(StuckCause::is_of_attempts)) {
            Some(code) => format!("{what}, {code}"),
            None => what,
        };
        let history = self.core.history();
        let stakes = (!history.is_empty()).then(|| env.registry.stakes(&history));
        Some(Mark { saga: self.id(), cause: Some(cause), code, trouble, stuck: stuck.is_some(), stakes })
    }

    /// The trouble besides its state, from its attempts; or, while it unwinds, a call whose outcome was never known.
    fn trouble(&self) -> Option<Trouble> {
        let history = self.core.history();
        let unknown = || {
            let back = history.undo_cause().is_some();
            let mut owed = history.owed().filter(|ask| is_unanswered_call(ask));
            (back && owed.next().is_some()).then_some(Trouble::InDoubt)
        };
        match self.trying.trouble {
            Some(Trouble::Retrying) | None => unknown().or(self.trying.trouble),
            failed => failed,
        }
    }

    fn in_words(&self, trouble: Option<Trouble>) -> String {
        let history = self.core.history();
        let unanswered = history.asks().iter().rev().find(|ask| is_unanswered_call(ask));
        let step = match (trouble, unanswered.map(|ask| &ask.what)) {
            (Some(Trouble::InDoubt), Some(What::Step(name))) => name.as_str(),
            _ => self.at.unwrap_or("its next step"),
        };
        match trouble {
            Some(Trouble::InDoubt) => format!("outcome of `{step}` is unknown"),
            Some(Trouble::Owed) => format!("compensation of `{step}` fails"),
            Some(
                Trouble::Retrying | Trouble::Stuck | Trouble::Overdue | Trouble::Silent | Trouble::Paused,
            )
            | None => {
                format!("`{step}` fails")
            }
        }
    }
}

/// The call that the workflow waits for, if one has begun.
fn open_call(asks: &[Ask]) -> Option<&Ask> {
    asks.last().filter(|ask| is_unanswered_call(ask))
}

/// Only calls begin before they are answered.
fn is_unanswered_call(ask: &Ask) -> bool {
    matches!(ask.what, What::Step(_)) && ask.answer.is_none() && ask.undone.is_none()
}

impl CallFailure {
    /// The text of an error, and its code.
    fn error_and_code(&self) -> (String, Option<String>) {
        match self {
            Self::Rejected(rejected) => (rejected.to_string(), Some(rejected.code.clone())),
            Self::Later(after) => (format!("not yet, again in {after:?}"), None),
            Self::Unclear { error, code } => (error.clone(), code.clone()),
            Self::Contradiction(detail) => (format!("contradiction: {detail}"), None),
            Self::Panicked(message) => (format!("panicked: {message}"), None),
            Self::Poison(cause) => (format!("it can't be written down: {cause:?}"), None),
        }
    }
}

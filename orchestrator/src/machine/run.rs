//! One saga in one batch: its state at the beginning, what has happened to it, and its state at the end.

use crate::{
    id::SagaId,
    journal::{Entry, History},
    machine::{
        call::{CallEnded, CallOut},
        env::Env,
        places::Place,
    },
    record::{Position, Stake, State, StuckCause, Trouble},
    registry::Attempt,
    saga::Core,
    store::{
        attempts,
        mailbox::Received,
        sagas::{SagaRow, Trying},
    },
    time,
};
use chrono::{DateTime, Utc};
use rand::Rng;
use std::{rc::Rc, sync::Arc, time::Duration};

/// A saga that this batch has claimed.
pub(crate) struct Run {
    pub row: SagaRow,
    /// Whether this batch began it.
    pub fresh: bool,
    pub letters: Vec<Received>,
    /// The end of a call that is not handled yet.
    pub ended: Option<CallEnded>,
    pub trying: Trying,
    pub core: Rc<Core>,
    /// The workflow's future, if it has come as far as the journal.
    pub attempt: Option<Attempt>,
    /// The length of the journal in the database.
    pub committed: usize,
    /// Its state at the end, once it is decided.
    pub parked: Option<Parked>,
    /// The call that is made after the commit.
    pub call: Option<CallOut>,
    /// The place for that call.
    pub place: Option<Place>,
    /// The service that it waited in line for, if it has a place now.
    pub given_place: Option<&'static str>,
    /// The service that has no place for its call, so that it waits in line.
    pub waits_for: Option<&'static str>,
    /// The pause after which it is tried again, if it is left out of the batch as if it had not been in it.
    pub left_out: Option<Duration>,
    /// Whether it was refused in its first stretch and leaves no row.
    pub vanished: bool,
    /// Whether its stretch was cut, so that it goes on in the next batch.
    pub cut: bool,
    /// Whether this stretch pauses it, or ends its pause.
    pub pause: Option<Pause>,
    /// The step or signal that it is at, if this batch knows.
    pub at: Option<&'static str>,
    /// When the call that has ended was made.
    pub came_home: Option<DateTime<Utc>>,
    /// Attempts in this batch that failed without an entry.
    pub failed: Vec<attempts::Ended>,
    /// Labels of its steps by which it can be found.
    pub labels: Vec<(String, String)>,
    /// The call that would be made by a lane of a node that is not leaving.
    pub held_back: Option<HeldBack>,
}

/// A saga in memory between two stretches: its history, and the future that has come as far.
pub(crate) struct Held {
    pub core: Rc<Core>,
    pub attempt: Option<Attempt>,
}

impl Held {
    pub fn of(saga: SagaId, history: History) -> Self {
        Self { core: Rc::new(Core::new(saga, history)), attempt: None }
    }
}

/// A stretch's change of the pause.
#[derive(Clone, Debug)]
pub(crate) enum Pause {
    Begin { by: String, why: String },
    End,
}

/// A call that is not made here, but later by a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The step's name.
    pub step: String,
    /// The position where the step began or will begin, which is the second half of its idempotency key.
    pub position: Position,
    /// Whether it first probes the outcome of an earlier attempt.
    pub probe: bool,
    /// The content that would be sent, in the step's words.
    pub described: Option<String>,
    /// What is at stake in it.
    pub stakes: Vec<Stake>,
}

/// The state in which a stretch leaves its saga.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pub state: State,
    pub due_at: Option<DateTime<Utc>>,
    pub leased: bool,
    pub stuck: Option<StuckCause>,
}

impl Run {
    pub fn new(row: SagaRow, fresh: bool, history: History, env: &Env<'_>) -> Self {
        let held = Held::of(row.id, history);
        Self::resumed(row, fresh, held, env)
    }

    /// Goes on with what the last stretch has left in memory.
    pub fn resumed(row: SagaRow, fresh: bool, held: Held, env: &Env<'_>) -> Self {
        let Held { core, attempt } = held;
        let committed = if fresh { 0 } else { core.history().len() };
        core.set_now(env.now);
        Self {
            fresh,
            letters: Vec::new(),
            ended: None,
            trying: row.begins_with(),
            core,
            attempt,
            committed,
            parked: None,
            call: None,
            place: None,
            given_place: None,
            waits_for: None,
            left_out: None,
            vanished: false,
            cut: false,
            pause: None,
            at: None,
            came_home: None,
            failed: Vec::new(),
            labels: Vec::new(),
            held_back: None,
            row,
        }
    }

    pub fn id(&self) -> SagaId {
        self.row.id
    }

    /// Appends an entry. Present attempts are over then.
    pub fn append(&mut self, entry: Entry) {
        // An operator's entry alone answers nothing: what is in doubt or owed stays so.
        let wish = matches!(entry, Entry::Operator { .. });
        if wish || matches!(entry, Entry::TurnedBack { .. } | Entry::RewoundTo { .. }) {
            self.attempt = None;
        }
        let trouble = self.trying.trouble.filter(|trouble| wish && *trouble != Trouble::Retrying);
        self.core.append(entry);
        self.trying = Trying { trouble, ..Trying::default() };
    }

    pub fn park(&mut self, state: State, due_at: Option<DateTime<Utc>>) {
        self.parked = Some(Parked { state, due_at, leased: false, stuck: None });
    }

    /// Makes the saga stuck. If the cause may pass by itself, it is tried again later.
    pub fn mark_stuck(&mut self, cause: StuckCause, env: &Env<'_>) {
        let due_at = cause.retries().then(|| env.now + env.settings.stuck_retry);
        let last_error = self.trying.last_error.take();
        // People see how often it was tried; a new try starts counting again. It no longer counts as retrying, and stays in
        // doubt or owed if it was before.
        let trouble = match cause {
            StuckCause::Debt { .. } => Some(Trouble::Owed),
            _ => self.trying.trouble.filter(|trouble| *trouble != Trouble::Retrying),
        };
        self.trying = Trying { last_error, trouble, attempts: self.trying.attempts, ..Trying::default() };
        self.attempt = None;
        (self.call, self.waits_for) = (None, None);
        self.parked = Some(Parked { state: State::Stuck, due_at, leased: false, stuck: Some(cause) });
    }

    /// The state of a saga that goes on, forward or backward.
    pub fn moving(&self, forward: State) -> State {
        if self.core.history().undo_cause().is_some() { State::Unwinding } else { forward }
    }

    /// Puts the saga off because somebody else has a lock that it needs. It is tried again after this pause, and this counts
    /// as no attempt. If there is nothing new to write, it is left out of the batch.
    pub fn put_off(&mut self, pause: Duration, env: &Env<'_>) {
        if self.added() == 0 && self.pause.is_none() {
            self.left_out = Some(pause);
        }
        self.attempt = None;
        let pause = pause.mul_f64(rand::rng().random_range(0.5..1.5));
        self.park(self.moving(State::Running), Some(time::after(env.now, pause)));
    }

    /// Whether this stretch shows that the saga does not kill its nodes: it has a result, or it is parked.
    pub fn has_come_home(&self) -> bool {
        let rests = self.parked.as_ref().is_some_and(|parked| {
            !parked.leased && !matches!(parked.stuck, Some(StuckCause::Quarantined { .. }))
        });
        self.added() > 0 || self.came_home.is_some() || rests && !self.cut && self.waits_for.is_none()
    }

    /// The entries that this stretch has added.
    pub fn added(&self) -> usize {
        self.core.history().len() - self.committed
    }

    /// Its history, including this stretch.
    pub fn history(&self) -> Arc<History> {
        self.core.shared_history()
    }

    /// What its next stretch may go on with. A call mostly ends soon, and then the workflow need not be replayed; whoever
    /// waits for something else may wait for long, and leaves no future in memory.
    pub fn into_held(self) -> Held {
        let soon = self.cut || self.parked.is_some_and(|parked| parked.leased);
        Held { core: self.core, attempt: self.attempt.filter(|_| soon) }
    }
}

impl SagaRow {
    /// The present attempts. A stuck saga begins new ones.
    fn begins_with(&self) -> Trying {
        match self.state {
            State::Stuck => Trying {
                last_error: self.trying.last_error.clone(),
                trouble: self.trying.trouble,
                ..Trying::default()
            },
            State::Running | State::Waiting | State::Unwinding | State::Completed | State::Unwound => {
                self.trying.clone()
            }
        }
    }
}

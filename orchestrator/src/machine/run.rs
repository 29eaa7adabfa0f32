//! One saga in one batch: what it began with, what has happened to it, and what it is left as.

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
use std::{rc::Rc, time::Duration};

/// A saga that this batch has claimed.
pub(crate) struct Run {
    pub row: SagaRow,
    /// This batch began it.
    pub fresh: bool,
    pub letters: Vec<Received>,
    /// A call's end, not yet dealt with.
    pub ended: Option<CallEnded>,
    pub trying: Trying,
    pub core: Rc<Core>,
    pub attempt: Option<Attempt>,
    /// How long the journal is in the database.
    pub committed: usize,
    /// How it is left, once that is decided.
    pub parked: Option<Parked>,
    /// The call that leaves after the commit.
    pub call: Option<CallOut>,
    /// The place of that call.
    pub place: Option<Place>,
    /// The service for which it has stood in line, and has a place now.
    pub given_place: Option<&'static str>,
    /// The service that has no place for its call: it stands in line for one.
    pub waits_for: Option<&'static str>,
    /// It is left out of the batch, as if it had not been in it, and tried again after this pause.
    pub left_out: Option<Duration>,
    /// It was refused in its first stretch and leaves no row.
    pub vanished: bool,
    /// Its stretch was cut: it goes on in the next batch.
    pub cut: bool,
    /// It is to be paused with this stretch, or to go on after a pause.
    pub pause: Option<Pause>,
    /// The step or signal that it is at, where this batch has found out.
    pub at: Option<&'static str>,
    /// When the call that came home was handed out.
    pub came_home: Option<DateTime<Utc>>,
    /// Attempts that have ended without an entry, in this batch.
    pub failed: Vec<attempts::Ended>,
    /// Words of its steps by which it can be found.
    pub labels: Vec<(String, String)>,
    /// The call that would leave if this were a lane of a node that stays.
    pub held_back: Option<HeldBack>,
}

/// What a stretch says of pausing.
#[derive(Clone, Debug)]
pub(crate) enum Pause {
    Begin { by: String, why: String },
    End,
}

/// A call that is not handed out here: a lane makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// The step's name.
    pub step: String,
    /// Where the step began, or will begin: the second half of its idempotency key.
    pub position: Position,
    /// Whether it first asks what became of an earlier attempt.
    pub probe: bool,
    /// What would be sent, in the step's words.
    pub described: Option<String>,
    /// What is at stake in it.
    pub stakes: Vec<Stake>,
}

/// How a stretch leaves its saga.
#[derive(Clone, Debug)]
pub(crate) struct Parked {
    pub state: State,
    pub due_at: Option<DateTime<Utc>>,
    pub leased: bool,
    pub stuck: Option<StuckCause>,
}

impl Run {
    pub fn new(row: SagaRow, fresh: bool, history: History, env: &Env<'_>) -> Self {
        let committed = if fresh { 0 } else { history.len() };
        Self {
            fresh,
            letters: Vec::new(),
            ended: None,
            trying: row.begins_with(),
            core: Rc::new(Core::new(row.id, history, env.now)),
            attempt: None,
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

    /// Appends an entry. Whatever was being tried is over.
    pub fn append(&mut self, entry: Entry) {
        // An operator's wish alone answers nothing: what is in doubt, or owed, still is.
        let wish = matches!(entry, Entry::Operator { .. });
        let trouble = self.trying.trouble.filter(|trouble| wish && *trouble != Trouble::Retrying);
        self.core.append(entry);
        self.trying = Trying { trouble, ..Trying::default() };
    }

    pub fn park(&mut self, state: State, due_at: Option<DateTime<Utc>>) {
        self.parked = Some(Parked { state, due_at, leased: false, stuck: None });
    }

    /// Stops for a person; what the world may have mended meanwhile is tried again by itself.
    pub fn mark_stuck(&mut self, cause: StuckCause, env: &Env<'_>) {
        let due_at = cause.retries().then(|| env.now + env.settings.stuck_retry);
        let last_error = self.trying.last_error.take();
        // How often it was tried is told to people; whoever tries again begins anew. It is not retrying any more, and in
        // doubt, or owed, what it was before.
        let trouble = match cause {
            StuckCause::Debt { .. } => Some(Trouble::Owed),
            _ => self.trying.trouble.filter(|trouble| *trouble != Trouble::Retrying),
        };
        self.trying = Trying { last_error, trouble, attempts: self.trying.attempts, ..Trying::default() };
        self.attempt = None;
        (self.call, self.waits_for) = (None, None);
        self.parked = Some(Parked { state: State::Stuck, due_at, leased: false, stuck: Some(cause) });
    }

    /// The state of a saga that goes on, in whichever direction it goes.
    pub fn moving(&self, forward: State) -> State {
        if self.core.history().undo_cause().is_some() { State::Unwinding } else { forward }
    }

    /// It has to wait for a lock that somebody else has: tried again after this pause, and no attempt of its step's. Without
    /// anything new to write it is left out of the batch.
    pub fn put_off(&mut self, pause: Duration, env: &Env<'_>) {
        if self.added() == 0 && self.pause.is_none() {
            self.left_out = Some(pause);
        }
        self.attempt = None;
        let pause = pause.mul_f64(rand::rng().random_range(0.5..1.5));
        self.park(self.moving(State::Running), Some(time::after(env.now, pause)));
    }

    /// Whether this stretch shows that it does not kill its nodes: something has come of it, or it has come to a pause.
    pub fn has_come_home(&self) -> bool {
        let rests = self.parked.as_ref().is_some_and(|parked| {
            !parked.leased && !matches!(parked.stuck, Some(StuckCause::Quarantined { .. }))
        });
        self.added() > 0 || self.came_home.is_some() || rests && !self.cut && self.waits_for.is_none()
    }

    /// Entries that this stretch has added.
    pub fn added(&self) -> usize {
        self.core.history().len() - self.committed
    }

    /// Its history, with what this stretch has added.
    pub fn into_history(self) -> History {
        drop(self.attempt);
        let core = Rc::into_inner(self.core);
        core.expect("the attempt was the only other holder, and it is dropped").into_history()
    }
}

impl SagaRow {
    /// What is being tried; a stuck saga is tried anew.
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

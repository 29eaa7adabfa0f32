//! One saga in one batch: what it began with, what has happened to it, and what it is left as.

use super::{CallEnded, CallOut, Culprits, Place, Places, Signs};
use crate::{
    id::SagaId,
    journal::{Entry, History},
    record::{Json, Position, Stake, State, StuckCause, Trouble},
    registry::{AnyStep, Attempt, CallAnswer, ErasedStep, RecordedEvent, Registry},
    saga::Core,
    settings::Settings,
    store::{
        attempts,
        mailbox::Received,
        sagas::{Row, Trying},
    },
    time,
};
use chrono::{DateTime, Utc};
use rand::Rng;
use std::{cell::Cell, rc::Rc, sync::Arc, time::Duration};

/// What a batch knows besides its sagas.
pub(crate) struct Env<'a> {
    pub registry: &'a Registry,
    pub settings: &'a Settings,
    pub now: DateTime<Utc>,
    pub token: i64,
    pub signs: &'a Signs,
    pub culprits: &'a Culprits,
    pub places: &'a Arc<Places>,
    /// This node is leaving: it hands nothing out any more.
    pub draining: bool,
    /// For how long workflows were polled in this batch.
    pub polled: Cell<Duration>,
    /// Something in this batch hides an error of the database: each set of steps is asked for it.
    pub checked: bool,
}

/// For how long workflows are polled in one batch; the others have their turn in the next one. Far below the time after
/// which the database ends an idle transaction, and long for a batch.
const POLLED_MAX: Duration = Duration::from_secs(2);

impl Env<'_> {
    /// The cause to stop for, if JSON of so many bytes is more than an entry's input or output may be.
    pub fn oversize(&self, what: &str, bytes: usize) -> Option<StuckCause> {
        let (size, bound) = (bytes as u64, self.settings.entry_bytes_max as u64);
        (size > bound).then(|| StuckCause::Oversize { what: what.to_owned(), size, bound })
    }

    /// When a lease given now ends. On a grid, so that a saga that goes from call to call keeps its `due_at`: that is
    /// the one indexed column that changes, and an update that leaves it alone needs no new index entries.
    pub fn lease_end(&self) -> DateTime<Utc> {
        let grid_us = (self.settings.lease.as_micros() as i64 / LEASE_GRID).max(1);
        let end = self.now + self.settings.lease;
        end - chrono::Duration::microseconds(end.timestamp_micros().rem_euclid(grid_us))
    }

    /// Whether workflows have been polled for so long that the rest of the batch waits for the next one.
    pub fn is_out_of_time(&self) -> bool {
        self.polled.get() > POLLED_MAX
    }

    /// How long a lease given now lasts.
    pub fn lease_left(&self) -> Duration {
        (self.lease_end() - self.now).to_std().unwrap_or_default()
    }
}

/// Places on the grid of lease ends within one lease: a lease may be shorter by one part in so many.
const LEASE_GRID: i64 = 4;

/// A saga that this batch has claimed.
pub(crate) struct Run {
    pub row: Row,
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

/// A call that is not handed out here.
#[derive(Clone, Debug)]
pub(crate) struct HeldBack {
    pub step: String,
    pub position: Position,
    pub probe: bool,
    pub described: Option<String>,
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

/// Something that only the batch can do: it is done for all sagas that need it at once.
pub(crate) enum Need {
    /// Run a `Tx` step.
    Run { step: Arc<dyn ErasedStep>, value: AnyStep, input: Json, ask: u32, position: Position, pivot: bool },
    /// Run a `Tx` step's compensation.
    Undo { step: Arc<dyn ErasedStep>, value: AnyStep, of: Position, made: Option<Json> },
    /// Let a call write its rows, then append its entry.
    Record {
        step: Arc<dyn ErasedStep>,
        value: AnyStep,
        of: Position,
        event: Box<RecordedEvent>,
        entry: Box<Recorded>,
    },
}

/// The entry that follows a call's rows.
pub(crate) enum Recorded {
    Plain(Entry),
    /// With the output that the workflow waits for.
    Output(Entry, u32, CallAnswer),
}

impl Run {
    pub fn new(row: Row, fresh: bool, history: History, env: &Env<'_>) -> Self {
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
    pub fn stick(&mut self, cause: StuckCause, env: &Env<'_>) {
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
        if self.core.history().back().is_some() { State::Unwinding } else { forward }
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_given_one_after_another_mostly_end_together_and_never_late() {
        let (registry, settings) = (Registry::default(), Settings::default());
        let (signs, culprits, places) = (Signs::default(), Culprits::default(), Places::new(1, Vec::new()));
        let begin = DateTime::from_timestamp(1_800_000_000, 0).expect("a moment of 2027");
        let mut ends = std::collections::BTreeSet::new();
        for step_ms in 0..100 {
            let now = begin + chrono::Duration::milliseconds(step_ms * 10);
            let env = Env {
                registry: &registry,
                settings: &settings,
                now,
                token: 0,
                signs: &signs,
                culprits: &culprits,
                places: &places,
                draining: false,
                polled: Cell::default(),
                checked: false,
            };
            assert_eq!(env.lease_end(), now + env.lease_left());
            assert!(env.lease_left() <= settings.lease && env.lease_left() > settings.lease * 7 / 10);
            ends.insert(env.lease_end());
        }
        assert!(ends.len() <= 2, "in one second: {ends:?}");
    }
}

//! A lane's signs of life for others to see: what it is doing, and when it last made progress.
//!
//! A lane can hang in a workflow that never returns from a poll, in a step that never answers, or at a connection whose
//! other side is gone. Nobody can stop such a thread. So it is watched, from its own thread if that still runs and from
//! another thread if not. A lane that hangs is given up: its connection is closed, and another lane takes its place.

use crate::{id::SagaId, record::StuckCause};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The signs of life of one lane.
#[derive(Debug)]
pub(crate) struct Signs {
    born: Instant,
    doing: Mutex<Doing>,
    /// When it last made progress, in milliseconds after `born`; and when it last committed.
    got_on_ms: AtomicU64,
    committed_ms: AtomicU64,
    given_up: AtomicBool,
    /// The id of the lane's process in the database, for closing its connection; 0 while it has none.
    backend: AtomicI32,
}

/// What a lane is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Doing {
    /// It waits for work.
    #[default]
    Nothing,
    /// It reads, writes or connects.
    Round,
    /// It polls a workflow.
    Poll(SagaId),
    /// It runs a step for these sagas.
    Set { step: &'static str, sagas: Vec<SagaId> },
}

impl Default for Signs {
    fn default() -> Self {
        Self {
            born: Instant::now(),
            doing: Mutex::default(),
            got_on_ms: AtomicU64::new(0),
            committed_ms: AtomicU64::new(0),
            given_up: AtomicBool::new(false),
            backend: AtomicI32::new(0),
        }
    }
}

impl Signs {
    /// Records that it begins a round, or goes on with one.
    pub fn begin(&self) {
        self.get_on();
        *self.lock() = Doing::Round;
    }

    /// It waits for work.
    pub fn note_idle(&self) {
        *self.lock() = Doing::Nothing;
    }

    /// Records that it sends a statement, or has an answer.
    pub fn get_on(&self) {
        self.got_on_ms.store(self.age_ms(), Ordering::Release);
    }

    /// Records that it has committed.
    pub fn commit(&self) {
        self.get_on();
        self.committed_ms.store(self.age_ms(), Ordering::Release);
    }

    /// Records that it does this until the guard is dropped.
    pub fn busy_with(&self, doing: Doing) -> Busy<'_> {
        self.get_on();
        *self.lock() = doing;
        Busy(self)
    }

    pub fn doing(&self) -> Doing {
        self.lock().clone()
    }

    /// How long it has given no sign of life although it has something to do.
    pub fn silent_for(&self) -> Option<Duration> {
        if *self.lock() == Doing::Nothing {
            return None;
        }
        Some(Duration::from_millis(self.age_ms().saturating_sub(self.got_on_ms.load(Ordering::Acquire))))
    }

    /// How long ago it last committed, or was started.
    pub fn committed_ago(&self) -> Duration {
        Duration::from_millis(self.age_ms().saturating_sub(self.committed_ms.load(Ordering::Acquire)))
    }

    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    pub fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Records its connection, served by this process of the database; 0 for none.
    pub fn connect(&self, backend: i32) {
        self.get_on();
        self.backend.store(backend, Ordering::Release);
    }

    pub fn backend(&self) -> i32 {
        self.backend.load(Ordering::Acquire)
    }

    fn age_ms(&self) -> u64 {
        self.born.elapsed().as_millis() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends what a lane is doing when it is dropped, also by a panic.
pub(crate) struct Busy<'a>(&'a Signs);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.begin();
    }
}

impl Doing {
    /// The sagas that may be the reason why the lane hangs.
    pub fn sagas(&self) -> &[SagaId] {
        match self {
            Self::Nothing | Self::Round => &[],
            Self::Poll(saga) => std::slice::from_ref(saga),
            Self::Set { sagas, .. } => sagas,
        }
    }

    /// Why a saga must become stuck if the lane hung at it alone.
    pub fn cause(&self, bound: Duration) -> Option<StuckCause> {
        let bound_ms = bound.as_millis() as u64;
        match self {
            Self::Nothing | Self::Round => None,
            Self::Poll(_) => Some(StuckCause::PollTooLong { bound_ms }),
            Self::Set { step, .. } => Some(StuckCause::Hung { at: format!("step `{step}`"), bound_ms }),
        }
    }
}

//! What happens to COMMITs, and to which of them.

use super::Whom;
use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The COMMIT never arrives.
    BeforeCommit,
    /// It arrives, and is done; its answer never comes.
    AfterCommit,
}

/// What happens to a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtCommit {
    /// The connection is closed.
    Cut(Cut),
    /// The connection stays, and nobody ever answers on it.
    Silence(Cut),
    /// It arrives so much later.
    Delay(Duration),
}

/// What is armed, and how often it has hit.
#[derive(Default)]
pub(super) struct Commits {
    /// In this order, each after so many COMMITs of those whom it is meant for.
    armed: Mutex<VecDeque<(Whom, usize, AtCommit)>>,
    hits: AtomicUsize,
}

impl Commits {
    pub fn arm(&self, whom: Whom, after: usize, what: AtCommit) {
        self.armed().push_back((whom, after, what));
    }

    pub fn disarm(&self) {
        self.armed().clear();
    }

    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Notes a COMMIT on the line of this name, and gives what happens to it.
    pub fn hit(&self, name: &str) -> Option<AtCommit> {
        let mut armed = self.armed();
        let (whom, after, what) = armed.front_mut()?;
        if !whom.fits(name) {
            return None;
        }
        if *after > 0 {
            *after -= 1;
            return None;
        }
        let what = *what;
        armed.pop_front();
        self.hits.fetch_add(1, Ordering::SeqCst);
        Some(what)
    }

    fn armed(&self) -> MutexGuard<'_, VecDeque<(Whom, usize, AtCommit)>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

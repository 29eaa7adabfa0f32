//! Messages that a batch's steps have emitted, in memory until the batch is written.
//!
//! The picture: a tray beside the transaction. What the set of steps that runs just now emits is *fresh*; it goes with the
//! savepoint if the set is taken back, and is kept, with the position of the entry that its step writes, if it stays.
//! So a batch that emits nothing pays nothing, and one that emits pays one statement.

use crate::{id::SagaId, record::Position, store::outbox::New, texts::storable};

/// What the steps of one batch have emitted.
#[derive(Default)]
pub(crate) struct Emitted {
    fresh: Vec<Fresh>,
    kept: Vec<New>,
}

/// A message of the set that runs.
pub(crate) struct Fresh {
    pub saga: SagaId,
    kind: String,
    pub payload: String,
}

impl Emitted {
    /// A step of the set that runs has emitted this.
    pub fn push(&mut self, saga: SagaId, kind: &str, payload: String) {
        self.fresh.push(Fresh { saga, kind: storable(kind).into_owned(), payload });
    }

    /// What the set that runs has emitted so far.
    pub fn fresh(&self) -> &[Fresh] {
        &self.fresh
    }

    /// The set was taken back to its savepoint.
    pub fn take_back(&mut self) {
        self.fresh.clear();
    }

    /// The set stays: its messages get the position of the entry that their step writes; without one they go.
    pub fn keep(&mut self, entry_of: impl Fn(SagaId) -> Option<Position>) {
        for Fresh { saga, kind, payload } in self.fresh.drain(..) {
            let Some(position) = entry_of(saga) else { continue };
            let same = |message: &&New| message.saga == saga && message.position == position;
            let ordinal = self.kept.iter().rev().find(same).map_or(0, |last| last.ordinal + 1);
            self.kept.push(New { saga, position, ordinal, kind, payload });
        }
    }

    /// All that is kept, for the batch's write.
    pub fn take(&mut self) -> Vec<New> {
        std::mem::take(&mut self.kept)
    }

    /// A transaction begins, and what the one before left is of no account.
    pub fn clear(&mut self) {
        self.fresh.clear();
        self.kept.clear();
    }
}

//! Messages that a batch's steps have emitted, kept in memory until the batch is written.
//!
//! The picture: a tray beside the transaction. Messages of the set of steps that runs now are *fresh*. If the set is rolled
//! back, they are dropped with its savepoint. If it stays, they are kept, with the position of the entry that their step
//! writes. So a batch that emits nothing costs nothing, and a batch that emits costs one statement.

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
    /// Adds a message of the set that runs.
    pub fn push(&mut self, saga: SagaId, kind: &str, payload: String) {
        self.fresh.push(Fresh { saga, kind: storable(kind).into_owned(), payload });
    }

    /// The number of messages that the running set has emitted.
    pub fn fresh(&self) -> &[Fresh] {
        &self.fresh
    }

    /// Drops the messages of a set that was rolled back.
    pub fn take_back(&mut self) {
        self.fresh.clear();
    }

    /// Keeps the messages of a set, with the position of the entry that their step writes. Without an entry they are dropped.
    pub fn keep(&mut self, entry_of: impl Fn(SagaId) -> Option<Position>) {
        for Fresh { saga, kind, payload } in self.fresh.drain(..) {
            let Some(position) = entry_of(saga) else { continue };
            let same = |message: &&New| message.saga == saga && message.position == position;
            let ordinal = self.kept.iter().rev().find(same).map_or(0, |last| last.ordinal + 1);
            self.kept.push(New { saga, position, ordinal, kind, payload });
        }
    }

    /// All messages that are kept, for the batch's write.
    pub fn take(&mut self) -> Vec<New> {
        std::mem::take(&mut self.kept)
    }

    /// Begins a new transaction: drops what the last one left.
    pub fn clear(&mut self) {
        self.fresh.clear();
        self.kept.clear();
    }
}

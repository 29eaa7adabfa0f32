//! What a batch came to: one verdict for each of its sagas.

use crate::{
    id::SagaId,
    lane::watch::Snapshot,
    machine::{CallOut, Place},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// What a batch came to, for one of its sagas.
pub(crate) enum Verdict {
    /// It moved, and that is committed.
    Moved(Box<Moved>),
    /// The start named a saga that exists, perhaps under another id.
    Existing(SagaId),
    /// There was nothing to move; letters are in the mailbox.
    Stored,
    /// Somebody else has it locked; letters are not delivered.
    Busy,
    /// Claimed in a commit of its own, or put off; it is resumed, or due again.
    Claimed,
    /// It had to wait for a lock, and nothing of it was written; letters are in the mailbox. It is tried again after this.
    LeftOut(Duration),
}

/// How a saga has moved.
pub(crate) struct Moved {
    pub snapshot: Arc<Snapshot>,
    /// This batch began it.
    pub begun: bool,
    /// The call that leaves now, and its place.
    pub call: Option<CallOut>,
    /// Its place, if that was free; else the saga came with it.
    pub place: Option<Place>,
    /// The service whose places are all taken.
    pub waits_for: Option<&'static str>,
    /// Its stretch was cut: it goes on in the next batch.
    pub again: bool,
    /// Something came of it: it is not suspected any more.
    pub cleared: bool,
}

/// A committed batch.
pub(crate) struct Turn {
    /// One for each group, in order.
    pub verdicts: Vec<Verdict>,
    /// When it began, by the monotonic clock: leases count from here.
    pub since: Instant,
    pub token: i64,
}

//! The result of a batch: one verdict for each of its sagas.

use crate::{
    id::SagaId,
    lane::watch::Snapshot,
    machine::{CallOut, Place},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The result of a batch for one of its sagas.
pub(crate) enum Verdict {
    /// It moved, and that is committed.
    Moved(Box<Moved>),
    /// The start named a saga that exists, perhaps under another id.
    Existing(SagaId),
    /// There was nothing to move. Letters are in the mailbox.
    Stored,
    /// Somebody else has locked it. Letters are not delivered.
    Busy,
    /// It was claimed in a commit of its own, or put off. It is resumed, or becomes due again.
    Claimed,
    /// It had to wait for a lock, and nothing was written for it. Letters are in the mailbox. It is tried again after this time.
    LeftOut(Duration),
}

/// How a saga has moved.
pub(crate) struct Moved {
    pub snapshot: Arc<Snapshot>,
    /// Whether this batch began it.
    pub begun: bool,
    /// The call that is made now, and its place.
    pub call: Option<CallOut>,
    /// The call's place, if one was free; otherwise the saga already had one.
    pub place: Option<Place>,
    /// The service whose places are all taken.
    pub waits_for: Option<&'static str>,
    /// Whether its stretch was cut, so that it goes on in the next batch.
    pub again: bool,
    /// Whether it had a result, so that it is no longer suspected.
    pub cleared: bool,
}

/// A committed batch.
pub(crate) struct Turn {
    /// One verdict for each group, in order.
    pub verdicts: Vec<Verdict>,
    /// When it began, by the monotonic clock: leases count from here.
    pub since: Instant,
    pub token: i64,
}

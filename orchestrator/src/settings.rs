//! The engine's bounds and times, each with its reason.

use std::time::Duration;

/// How an engine runs. Every queue, batch, retry and wait has its bound here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The node's name in rows and logs. It is for people; correctness does not depend on it.
    pub node: String,
    /// The number of lanes of this node. Two keep a small database busy; more lanes make smaller batches, which cost more.
    pub lanes: usize,
    /// How much of the data one transaction may touch.
    pub batch_scope: BatchScope,
    /// Starts that may wait for a lane before the next is refused: as many as a busy node gets in a second.
    pub intake_max: usize,
    /// Letters that may wait for a lane before the next is refused.
    pub letters_max: usize,
    /// Sagas in one batch. Larger batches bring little and lock rows for longer.
    pub batch_max: usize,
    /// Journal entries that one saga may add before its stretch is committed; at most
    /// [`Settings::STRETCH_STEPS_BOUND`].
    pub stretch_steps_max: usize,
    /// Calls that this node may have out at once to each service, which is a client type. Sagas without a place wait in line
    /// without a lease.
    pub calls_max: usize,
    /// How long a saga with a call out belongs to its node without a renewal.
    pub lease: Duration,
    /// How long one poll of a workflow may take before its lane is given up.
    pub poll_max: Duration,
    /// How long a lane may give no sign of life before it is given up, other than in a poll. Longer than any statement may
    /// take, which the database itself ends after [`Settings::STATEMENT_MAX`].
    pub silence_max: Duration,
    /// How often the sweep looks for due sagas. It bounds the delay if every hint is lost.
    pub poll: Duration,
    /// How often a node with a handler looks for messages that are not taken.
    pub outbox_poll: Duration,
    /// The most attempts at a step in a row, whatever its policy says.
    pub attempts_max: u32,
    /// The largest input or output of one journal entry, in bytes of JSON.
    pub entry_bytes_max: usize,
    /// The most entries in one journal. A saga that needs more is a loop.
    pub journal_entries_max: usize,
    /// The most bytes of JSON in one journal, give or take a stretch. A journal is read whole, and a node has many. Most have a
    /// few thousand bytes.
    pub journal_bytes_max: usize,
    /// How long a debt, or a step after the pivot that spent its budget, rests before the engine tries again.
    pub stuck_retry: Duration,
    /// How long a drain waits for calls that are out.
    pub drain: Duration,
}

/// How much of the data one transaction may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchScope {
    /// Many buckets, for one Postgres.
    Database,
    /// One bucket, for a distributed Postgres.
    Bucket,
}

impl Settings {
    /// The longest stretch that can be configured: each of its steps may cost one of the 64 savepoints that a transaction may
    /// have, and a call's records another one.
    pub const STRETCH_STEPS_BOUND: usize = 32;

    /// How long a statement of a lane may take before the database ends it.
    pub const STATEMENT_MAX: Duration = Duration::from_secs(5);

    pub(crate) fn stretch_steps(&self) -> usize {
        self.stretch_steps_max.clamp(1, Self::STRETCH_STEPS_BOUND)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: format!("node-{}", std::process::id()),
            lanes: 2,
            batch_scope: BatchScope::Database,
            intake_max: 4096,
            letters_max: 4096,
            batch_max: 256,
            stretch_steps_max: Self::STRETCH_STEPS_BOUND,
            calls_max: 1024,
            lease: Duration::from_secs(10),
            poll_max: Duration::from_secs(10),
            silence_max: Duration::from_secs(8),
            poll: Duration::from_millis(200),
            outbox_poll: Duration::from_millis(200),
            attempts_max: 1000,
            entry_bytes_max: 256 * 1024,
            journal_entries_max: 10_000,
            journal_bytes_max: 16 * 1024 * 1024,
            stuck_retry: Duration::from_secs(15 * 60),
            drain: Duration::from_secs(20),
        }
    }
}

//! The engine's bounds and times, each with its reason.

use std::time::Duration;

/// How an engine runs. Every queue, batch, retry and wait has its bound here.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The node's name in rows and logs; for people, not for correctness.
    pub node: String,
    /// Lanes of this node. Two keep a small database busy; more make smaller batches, which cost more.
    pub lanes: usize,
    /// How much of the data one transaction may touch.
    pub batch_scope: BatchScope,
    /// Starts that may wait for a lane before the next is refused. A second's worth of a busy node.
    pub intake_max: usize,
    /// Letters that may wait for a lane before the next is refused.
    pub letters_max: usize,
    /// Sagas in one batch. Larger ones bring little and lock rows for longer.
    pub batch_max: usize,
    /// Journal entries that one saga may add before its stretch is committed; at most
    /// [`Settings::STRETCH_STEPS_BOUND`].
    pub stretch_steps_max: usize,
    /// Calls out at once on this node to each service, which is a client type. Sagas that find no place stand in line
    /// without a lease.
    pub calls_max: usize,
    /// How long a saga with a call out belongs to its node without a renewal.
    pub lease: Duration,
    /// How long one poll of a workflow may take before its lane is given up.
    pub poll_max: Duration,
    /// How long a lane may give no sign of life before it is given up, other than in a poll. Longer than any statement may
    /// take, which the database itself ends after [`Settings::STATEMENT_MAX`].
    pub silence_max: Duration,
    /// How often the sweep looks for sagas that are due: the bound on lateness when every hint is lost.
    pub poll: Duration,
    /// How often it is looked for messages that nobody has taken; only by a node with a handler for them.
    pub outbox_poll: Duration,
    /// No step is tried more often than this in one go, whatever its policy says.
    pub attempts_max: u32,
    /// One journal entry's input or output, in bytes of JSON.
    pub entry_bytes_max: usize,
    /// Entries in one journal. A saga that needs more is a loop.
    pub journal_entries_max: usize,
    /// Bytes of JSON in one journal, give or take a stretch: it is read whole, and a node has many. Most have a few thousand.
    pub journal_bytes_max: usize,
    /// How long a debt, or a step after the pivot that spent its budget, rests before the engine tries again.
    pub stuck_retry: Duration,
    /// How long a drain waits for calls that are out.
    pub drain: Duration,
}

/// How much of the data one transaction may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchScope {
    /// Any buckets: for one Postgres.
    Database,
    /// One bucket: for a distributed one.
    Bucket,
}

impl Settings {
    /// The longest stretch that any setting can ask for: each of its steps may cost one of the 64 savepoints that a
    /// transaction is allowed, and a call's records another.
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
